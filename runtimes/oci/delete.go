package oci

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	runc "github.com/containerd/go-runc"
	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes/mount"
	"hapscope/runtimes/netns"
)

// Delete implements runtimes.Sandbox. Where the runtime does not manage it, the
// sandbox is removed all the same and the error says so.
func (s *sandbox) Delete(ctx context.Context) error {
	if s.deleted {
		return nil
	}
	err := s.deleteByRuntime(ctx)
	if err != nil {
		err = fmt.Errorf("%w; it was removed by force", err)
	}
	// A caller that was interrupted still wants everything gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.runtime.options.Deadline)
	defer cancel()
	left := s.removeRest(ctx)
	if left == nil {
		s.deleted = true
	}
	if err := errors.Join(err, left); err != nil {
		return fmt.Errorf("delete sandbox %s: %w", s.spec.ID, err)
	}
	return nil
}

// deleteByRuntime ends the process and has the runtime take the sandbox apart.
// A second Delete finds nothing to do here.
func (s *sandbox) deleteByRuntime(ctx context.Context) error {
	if !s.asked {
		return nil
	}
	s.asked = false
	if left := stateOf(s.runtime.root(), s.id()); len(left) == 0 && !cgroup.Exists(s.cgroup) {
		return nil // the runtime has cleaned up after a create that failed
	}
	killed := s.pid != 0 && s.Running(ctx) == nil
	if killed {
		members, err := cgroup.Processes(s.cgroup)
		if err != nil {
			return err
		}
		err = s.call(ctx, "kill", func(ctx context.Context) error {
			return s.runtime.command().Kill(ctx, s.id(), int(unix.SIGKILL), nil)
		})
		if err != nil {
			return err
		}
		if err := s.waitEmpty(ctx); err != nil {
			return err
		}
		if err := s.reap(ctx, members); err != nil {
			return err
		}
	}
	if s.runtime.flavour.NoCgroup {
		if err := s.waitReleased(ctx); err != nil {
			return err
		}
	}
	return s.call(ctx, "delete", func(ctx context.Context) error {
		// With force also what a failed create has left is deleted, and what
		// outlives a process that has ended by itself.
		return s.runtime.command().Delete(ctx, s.id(), &runc.DeleteOpts{Force: !killed})
	})
}

// waitEmpty waits until no process of the sandbox is left.
func (s *sandbox) waitEmpty(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.runtime.options.Deadline, errors.New("processes live on after a kill"))
	defer cancel()
	for {
		populated, err := cgroup.Populated(s.cgroup)
		if errors.Is(err, fs.ErrNotExist) || (err == nil && !populated) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("wait for the end of cgroup %s: %w", s.cgroup, err)
		}
		select {
		case <-ctx.Done():
			pids, _ := cgroup.Processes(s.cgroup)
			return fmt.Errorf("wait for the end of %v: %w", pids, context.Cause(ctx))
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// waitReleased waits until somebody has waited for the process, which its cgroup does not
// show: a runtime that asks for it by its id alone takes it for running until then.
func (s *sandbox) waitReleased(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.runtime.options.Deadline, errors.New("nobody has waited for it"))
	defer cancel()
	for s.pid != 0 && unix.Kill(s.pid, 0) == nil {
		if pids, _ := cgroup.Processes(s.cgroup); slices.Contains(pids, s.pid) {
			return nil // it was not killed
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the release of process %d: %w", s.pid, context.Cause(ctx))
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

// removeRest removes what Create made around the runtime, and what the runtime
// should have removed.
func (s *sandbox) removeRest(ctx context.Context) error {
	var errs []error
	if s.cgroup != "" {
		errs = append(errs, cgroup.Remove(ctx, s.cgroup))
		removeIfEmpty(filepath.Dir(s.cgroup))
		for _, path := range stateOf(s.runtime.root(), s.id()) {
			errs = append(errs, os.RemoveAll(path))
		}
		errs = append(errs, s.runtime.removeCaches())
	}
	if s.bundle != nil {
		errs = append(errs, s.bundle.Remove())
	}
	if s.net != nil {
		errs = append(errs, netns.Remove(s.spec.ID))
	}
	if f := s.runtime.flavour; f.HashedID {
		errs = append(errs, netns.RemoveLink(linkOf(f.Link, s.id())))
	}
	err := errors.Join(errs...)
	if err == nil {
		s.output = s.Output()
		for _, path := range []string{s.outputPath(), s.pidPath(), s.joinPath(), s.emptyPath()} {
			os.Remove(path) // in the caller's directory; there or not
		}
	}
	return err
}

// linkOf is the name that a runtime makes of a prefix and an id: as much as fits
// (IFNAMSIZ, and a byte for the end).
func linkOf(prefix, id string) string { return (prefix + id)[:min(len(prefix+id), unix.IFNAMSIZ-1)] }

// removeCaches removes the variant's state directory unless a sandbox is in it.
func (r *Runtime) removeCaches() error {
	entries, err := os.ReadDir(r.root())
	if err != nil {
		return ignoreAbsent(err)
	}
	for _, e := range entries {
		if !slices.Contains(r.flavour.Caches, e.Name()) {
			return nil
		}
	}
	return removeState(r.root())
}

// removeState removes a state directory with all that is mounted in it.
func removeState(dir string) error {
	if err := mount.RemoveBelow(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// removeIfEmpty removes a directory that other sandboxes may still use.
func removeIfEmpty(dir string) { unix.Rmdir(dir) }

// stateOf returns what a runtime keeps for a sandbox in its state directory:
// runc and crun have a directory named by the id, runsc files like
// ID_sandbox:ID.state and runsc-ID.sock.
func stateOf(root, id string) (paths []string) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		if name == id || strings.HasPrefix(name, id+"_sandbox:") || name == "runsc-"+id+".sock" {
			paths = append(paths, filepath.Join(root, name))
		}
	}
	return paths
}
