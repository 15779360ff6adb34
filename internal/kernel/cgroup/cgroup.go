package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Create makes the cgroup dir and its missing parents. One that exists already
// is taken as it is.
func Create(dir string) error {
	if err := inside(dir); err != nil {
		return fmt.Errorf("create cgroup: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create cgroup: %w", err)
	}
	if !onCgroup2(dir) {
		return fmt.Errorf("create cgroup: %s is not on a cgroup v2 file system", dir)
	}
	return nil
}

// Enter moves a process with all its threads into the cgroup dir.
func Enter(dir string, pid int) error {
	if err := inside(dir); err != nil {
		return fmt.Errorf("move process %d to a cgroup: %w", pid, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
		return fmt.Errorf("move process %d to a cgroup: %w", pid, err)
	}
	return nil
}

// Exists reports whether dir is a cgroup.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.procs"))
	return err == nil
}

// Remove kills everything in dir and below it, waits until it is gone, and
// removes the directories. A cgroup that does not exist is no error. A process
// that cannot die (state D) makes it fail when ctx ends.
func Remove(ctx context.Context, dir string) error {
	if !Exists(dir) {
		return nil
	}
	if err := inside(dir); err != nil {
		return fmt.Errorf("remove cgroup: %w", err)
	}
	for {
		if err := Kill(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove cgroup: %w", err)
		}
		err := removeTree(dir)
		if err == nil {
			return nil
		}
		// EBUSY until the last killed process has been released.
		if !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("remove cgroup: %w", err)
		}
		select {
		case <-ctx.Done():
			left, _ := Processes(dir)
			return fmt.Errorf("remove cgroup %s: processes %v are left: %w", dir, left, context.Cause(ctx))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// removeTree removes dir and its descendants, children first.
func removeTree(dir string) error {
	dirs, err := tree(dir)
	if err != nil {
		return err
	}
	for i := len(dirs) - 1; i >= 0; i-- {
		if err := unix.Rmdir(dirs[i]); err != nil && !errors.Is(err, unix.ENOENT) {
			return &fs.PathError{Op: "rmdir", Path: dirs[i], Err: err}
		}
	}
	return nil
}

// Kill sends SIGKILL to every process in dir and below it.
func Kill(dir string) error {
	if err := inside(dir); err != nil {
		return fmt.Errorf("kill cgroup: %w", err)
	}
	// cgroup.kill is there since 5.14 and, unlike a loop over cgroup.procs,
	// cannot be outrun by forks.
	err := os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0)
	if err == nil || !errors.Is(err, fs.ErrNotExist) || !Exists(dir) {
		return err
	}
	pids, err := Processes(dir)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("kill %d of %s: %w", pid, dir, err)
		}
	}
	return nil
}

// Populated reports whether a living process is in dir or below it.
func Populated(dir string) (bool, error) {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
	if err != nil {
		return false, err
	}
	return strings.Contains(string(b), "populated 1"), nil
}
