package nabla

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"hapscope/internal/command"
	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/file"
	"hapscope/runtimes/netns"
	"hapscope/runtimes/unikernel"
)

// cgroupParent is that of all sandboxes, as in package oci.
const cgroupParent = "hapscope"

// sandbox is one sandbox. Fields are set as far as it got.
type sandbox struct {
	runtime *Runtime
	spec    runtimes.Spec
	net     *netns.Namespace
	cgroup  string
	path    string // of the tender
	args    []string
	pid     int
	ended   chan struct{} // closed when the tender has ended
	exit    error         // how it has ended
	output  string
	deleted bool
}

var _ runtimes.Sandbox = (*sandbox)(nil)

func (s *sandbox) outputPath() string { return filepath.Join(s.spec.Scratch, "output.log") }
func (s *sandbox) diskPath() string   { return filepath.Join(s.spec.Scratch, "disk") }

// Create implements runtimes.Runtime.
func (r *Runtime) Create(ctx context.Context, spec runtimes.Spec) (runtimes.Sandbox, error) {
	s := &sandbox{runtime: r, spec: spec}
	if err := s.create(); err != nil {
		err = fmt.Errorf("create sandbox %s: %w", spec.ID, err)
		return nil, errors.Join(err, s.Delete(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *sandbox) create() error {
	f := s.runtime.flavour
	u := s.spec.Unikernel
	if _, err := f.Kind.Examine(u); err != nil {
		return fmt.Errorf("the unikernel: %w", err)
	}
	image, err := unikernel.Read(u.Image)
	if err != nil {
		return err
	}
	if s.path, err = s.runtime.find(); err != nil {
		return fmt.Errorf("find %s: %w", f.Binary, err)
	}
	root, err := cgroup.Root()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, cgroupParent, s.spec.ID)
	if cgroup.Exists(dir) {
		return fmt.Errorf("its cgroup %s is there already", dir)
	}
	if s.net, err = netns.Create(s.spec.ID); err != nil {
		return err
	}
	if err := s.net.AddTap(); err != nil {
		return err
	}
	s.cgroup = dir
	if err := cgroup.Create(dir); err != nil {
		return err
	}
	disk, err := s.copyDisk(u)
	if err != nil {
		return err
	}
	s.args = f.arguments(*u, image, disk, s.net)
	return nil
}

// copyDisk gives each sandbox a disk of its own to write to, so that all find the same.
func (s *sandbox) copyDisk(u *record.Unikernel) (string, error) {
	if u.Disk == "" {
		return "", nil
	}
	if err := file.Copy(s.diskPath(), u.Disk); err != nil {
		return "", fmt.Errorf("copy disk %s: %w", u.Disk, err)
	}
	return s.diskPath(), nil
}

// Start implements runtimes.Sandbox.
func (s *sandbox) Start(ctx context.Context) error {
	output, err := os.OpenFile(s.outputPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer output.Close()
	group, err := os.Open(s.cgroup)
	if err != nil {
		return err
	}
	defer group.Close()
	c := exec.Command(s.path, s.args...)
	c.Stdout, c.Stderr = output, output
	// An interrupt at the terminal is ours to handle.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, UseCgroupFD: true, CgroupFD: int(group.Fd())}
	if err := s.net.Do(c.Start); err != nil {
		return fmt.Errorf("start %s: %w", s.path, err)
	}
	s.pid, s.ended = c.Process.Pid, make(chan struct{})
	command.Started(ctx, c)
	go func() {
		if s.exit = c.Wait(); s.exit == nil {
			s.exit = errors.New("exit status 0")
		}
		close(s.ended)
	}()
	return nil
}

// Address implements runtimes.Sandbox.
func (s *sandbox) Address() string { return s.net.Address.String() }

// Cgroup implements runtimes.Sandbox.
func (s *sandbox) Cgroup() string { return s.cgroup }

// Running implements runtimes.Sandbox. It reads one file: it is called while a phase is
// measured.
func (s *sandbox) Running(ctx context.Context) error {
	switch pids, err := cgroup.Processes(s.cgroup); {
	case s.deleted:
		return fmt.Errorf("sandbox %s was deleted", s.spec.ID)
	case s.pid == 0:
		return fmt.Errorf("sandbox %s was not started", s.spec.ID)
	case err == nil && slices.Contains(pids, s.pid):
		return nil
	}
	if err := s.await(ctx); err != nil {
		return err
	}
	err := fmt.Errorf("the tender of sandbox %s (%s) has ended: %w", s.spec.ID, filepath.Base(s.path), s.describeExit())
	if tail := s.Output(); tail != "" {
		return fmt.Errorf("%w; its last output:\n%s", err, tail)
	}
	return fmt.Errorf("%w; without any output", err)
}

// describeExit says more of an end that the tender's own filter has made.
func (s *sandbox) describeExit() error {
	var e *exec.ExitError
	if errors.As(s.exit, &e) {
		if w, ok := e.Sys().(syscall.WaitStatus); ok && w.Signaled() && w.Signal() == unix.SIGSYS {
			return fmt.Errorf("%w: a system call that its filter does not allow", s.exit)
		}
	}
	return s.exit
}

// Output implements runtimes.Sandbox.
func (s *sandbox) Output() string {
	if s.deleted {
		return s.output
	}
	return file.Tail(s.outputPath())
}

// Delete implements runtimes.Sandbox. A tender knows no other end than being killed.
func (s *sandbox) Delete(ctx context.Context) error {
	if s.deleted {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.runtime.options.Deadline)
	defer cancel()
	var errs []error
	if s.cgroup != "" {
		errs = append(errs, cgroup.Remove(ctx, s.cgroup))
		unix.Rmdir(filepath.Dir(s.cgroup)) // other sandboxes may still use it
	}
	if s.pid != 0 {
		errs = append(errs, s.await(ctx))
	}
	if s.net != nil {
		errs = append(errs, netns.Remove(s.spec.ID))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("delete sandbox %s: %w", s.spec.ID, err)
	}
	s.output = s.Output()
	s.deleted = true
	for _, path := range []string{s.outputPath(), s.diskPath()} {
		os.Remove(path) // in the caller's directory; there or not
	}
	return nil
}

// await waits until it is known how the tender has ended, which has left its cgroup.
func (s *sandbox) await(ctx context.Context) error {
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of the tender, process %d: %w", s.pid, context.Cause(ctx))
	}
}
