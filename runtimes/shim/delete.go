package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes/mount"
	"hapscope/runtimes/netns"
)

// Delete implements runtimes.Sandbox.
func (s *sandbox) Delete(ctx context.Context) error {
	if s.deleted {
		return nil
	}
	err := s.deleteByShim(ctx)
	if err != nil {
		err = fmt.Errorf("%w; it was removed by force", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.runtime.options.Deadline)
	defer cancel()
	left := s.removeRest(ctx)
	s.deleted = left == nil
	if err := errors.Join(err, left); err != nil {
		return fmt.Errorf("delete sandbox %s: %w", s.spec.ID, err)
	}
	return nil
}

func (s *sandbox) deleteByShim(ctx context.Context) error {
	if !s.created {
		return nil // it would answer when it has given up creating, if ever
	}
	t := s.task
	s.created = false // a second time there is nothing to ask for
	s.mu.Lock()
	ended := s.exit != nil
	s.mu.Unlock()
	if pids, err := cgroup.Processes(s.cgroup); !ended && (err != nil || !slices.Contains(pids, s.monitor)) {
		// The shim would go on asking an agent that is no more.
		return errors.Join(fmt.Errorf("its monitor, process %d, has ended before", s.monitor), err)
	}
	return s.call(ctx, "delete", func(ctx context.Context) error {
		if s.running && !ended {
			if err := t.Kill(ctx); err != nil {
				return err
			}
			if _, err := t.Wait(ctx); err != nil {
				return err
			}
		}
		return t.Delete(ctx)
	})
}

// removeRest removes what Create made around the shim, and what the shim should have
// removed.
func (s *sandbox) removeRest(ctx context.Context) error {
	var errs []error
	if s.cgroup != "" {
		errs = append(errs, cgroup.Remove(ctx, s.cgroup))
		unix.Rmdir(filepath.Dir(s.cgroup)) // other sandboxes may still use it
	}
	if s.started {
		_, err := killShims(s.id())
		errs = append(errs, err)
	}
	if s.task != nil {
		errs = append(errs, s.task.Close(ctx))
	}
	if s.started {
		for _, dir := range s.runtime.flavour.State {
			errs = append(errs, removeState(filepath.Join(dir, s.id())))
		}
	}
	if s.bundle != nil {
		errs = append(errs, s.bundle.Remove())
	}
	if s.net != nil {
		errs = append(errs, netns.Remove(s.spec.ID))
	}
	err := errors.Join(errs...)
	if err == nil {
		s.output = s.Output()
		for _, name := range []string{"output.log", logFile, "address", "shim.pid"} {
			os.Remove(filepath.Join(s.spec.Scratch, name)) // in the caller's directory; there or not
		}
	}
	return err
}

// removeState removes a directory with all that is mounted in it.
func removeState(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := mount.RemoveBelow(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// killShims kills the shims of ours that have a word in their command line, which are
// in no cgroup of ours yet.
func killShims(word string) (killed []string, err error) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	for _, path := range lines {
		b, _ := os.ReadFile(path)
		args := strings.Split(string(b), "\x00")
		i := slices.Index(args, "-namespace")
		if i < 0 || i+1 >= len(args) || args[i+1] != Namespace || !strings.Contains(string(b), word) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if e := unix.Kill(pid, unix.SIGKILL); e != nil && !errors.Is(e, unix.ESRCH) {
			err = errors.Join(err, fmt.Errorf("kill shim %d: %w", pid, e))
			continue
		}
		killed = append(killed, fmt.Sprintf("shim %d", pid))
	}
	return killed, err
}
