package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Processes returns the process ids in dir and below it, ascending.
func Processes(dir string) ([]int, error) { return members(dir, "cgroup.procs") }

// Threads returns the thread ids in dir and below it, ascending.
//
// cgroup.threads may be read in every cgroup, threaded or not (only moving
// threads needs a threaded one), and is one snapshot where a walk over
// /proc/PID/task would miss threads that start meanwhile.
func Threads(dir string) ([]int, error) { return members(dir, "cgroup.threads") }

func members(dir, file string) ([]int, error) {
	dirs, err := tree(dir)
	if err != nil {
		return nil, fmt.Errorf("list cgroup: %w", err)
	}
	var ids []int
	for _, d := range dirs {
		b, err := os.ReadFile(filepath.Join(d, file))
		switch {
		case gone(err):
			continue // removed since tree saw it
		case errors.Is(err, unix.EOPNOTSUPP):
			continue // cgroup.procs of a threaded cgroup: its processes are listed by the domain above
		case err != nil:
			return nil, fmt.Errorf("list cgroup: %w", err)
		}
		if ids, err = appendIDs(ids, b); err != nil {
			return nil, fmt.Errorf("list cgroup %s: %w", d, err)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// gone recognizes a cgroup that was removed: ENOENT before, ENODEV after the
// file was opened.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV)
}

// appendIDs reads one id a line. The kernel writes 0 for a process of another
// pid namespace, which has no id here.
func appendIDs(ids []int, b []byte) ([]int, error) {
	for _, f := range bytes.Fields(b) {
		id, err := strconv.Atoi(string(f))
		if err != nil {
			return nil, err
		}
		if id > 0 {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// tree returns dir and all cgroups below it, parents first.
func tree(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	dirs := []string{dir}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		below, err := tree(filepath.Join(dir, e.Name()))
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, below...)
	}
	return dirs, nil
}
