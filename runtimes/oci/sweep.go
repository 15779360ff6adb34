package oci

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/netns"
)

// Sweep implements runtimes.Runtime. It needs no runtime and no memory of what
// was started: it goes by the names that this package gives, of all variants.
func (r *Runtime) Sweep(ctx context.Context) (removed []string, err error) {
	add := func(lines []string, e error) {
		removed = append(removed, lines...)
		err = errors.Join(err, e)
	}
	// First those who might still make more.
	add(nil, killByRoot(stateDir))
	add(sweepCgroups(ctx))
	add(sweepState())
	add(bundle.Sweep())
	add(netns.Sweep())
	if err != nil {
		return removed, fmt.Errorf("sweep sandboxes: %w", err)
	}
	return removed, nil
}

func sweepCgroups(ctx context.Context) (removed []string, err error) {
	root, err := cgroup.Root()
	if err != nil {
		return nil, nil // then no sandbox of ours was ever made
	}
	parent := filepath.Join(root, cgroupParent)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, ignoreAbsent(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		if e := cgroup.Remove(ctx, dir); e != nil {
			err = errors.Join(err, e)
			continue
		}
		removed = append(removed, "cgroup "+dir)
	}
	removeIfEmpty(parent)
	return removed, err
}

// sweepState removes the state directories of all variants. The line names
// what was in them.
func sweepState() (removed []string, err error) {
	variants, err := os.ReadDir(stateDir)
	if err != nil {
		return nil, ignoreAbsent(err)
	}
	for _, v := range variants {
		dir := filepath.Join(stateDir, v.Name())
		entries, e := os.ReadDir(dir)
		err = errors.Join(err, e, removeState(dir))
		for _, entry := range entries {
			removed = append(removed, "state "+filepath.Join(dir, entry.Name()))
		}
	}
	return removed, err
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// killByRoot kills every process whose command line names a runtime's state
// directory at or below root: a hung runtime, which is in no cgroup of ours.
func killByRoot(root string) error {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, path := range lines {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if pid == os.Getpid() || !usesRoot(strings.Split(string(b), "\x00"), root) {
			continue
		}
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("kill %d, which uses %s: %w", pid, root, err)
		}
	}
	return nil
}

// usesRoot reports whether arguments hold --root DIR or --root=DIR with a DIR
// at or below root.
func usesRoot(args []string, root string) bool {
	for i, a := range args {
		dir, ok := strings.CutPrefix(a, "--root=")
		if !ok && a == "--root" && i+1 < len(args) {
			dir, ok = args[i+1], true
		}
		if ok && (dir == root || strings.HasPrefix(dir, root+"/")) {
			return true
		}
	}
	return false
}
