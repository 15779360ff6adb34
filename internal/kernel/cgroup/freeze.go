package cgroup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Freeze stops all that is in dir and below it, and what enters it from then on, before
// its next return to user space. It waits for those that are there.
func Freeze(ctx context.Context, dir string) error {
	if err := setFrozen(dir, "1"); err != nil {
		return err
	}
	return Frozen(ctx, dir)
}

// Frozen waits until all that is in a cgroup that was told to freeze has stopped.
func Frozen(ctx context.Context, dir string) error {
	for {
		b, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
		if err != nil {
			return fmt.Errorf("freeze cgroup: %w", err)
		}
		if strings.Contains(string(b), "frozen 1") {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("freeze cgroup %s: %w", dir, context.Cause(ctx))
		case <-time.After(time.Millisecond):
		}
	}
}

// Thaw undoes Freeze.
func Thaw(dir string) error { return setFrozen(dir, "0") }

func setFrozen(dir, value string) error {
	if err := inside(dir); err != nil {
		return fmt.Errorf("freeze cgroup: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cgroup.freeze"), []byte(value), 0); err != nil {
		return fmt.Errorf("freeze cgroup: %w", err)
	}
	return nil
}

// Of returns the absolute directory of the cgroup (v2) that a process is in.
func Of(pid int) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return filepath.Join(root, path), nil
		}
	}
	return "", fmt.Errorf("process %d is in no cgroup v2", pid)
}
