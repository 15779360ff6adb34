package oci

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/file"
	"hapscope/runtimes/netns"
	"hapscope/runtimes/process"
)

// endGrace is what a runtime may take to notice by itself that the process has ended,
// such as one that only prints something.
const endGrace = 5 * time.Second

var errEnded = errors.New("the process has ended before it was started")

// sandbox is one sandbox. Fields are set as far as it got.
type sandbox struct {
	runtime *Runtime
	spec    runtimes.Spec
	net     *netns.Namespace
	bundle  *bundle.Bundle
	cgroup  string
	asked   bool // the runtime was asked to create it
	pid     int  // of the process, or of the sentry that holds it
	output  string
	deleted bool
}

var _ runtimes.Sandbox = (*sandbox)(nil)

// id is what the runtime knows the sandbox by.
func (s *sandbox) id() string {
	if s.runtime.flavour.HashedID {
		return netns.LinkName(s.spec.ID)
	}
	return s.spec.ID
}

func (s *sandbox) outputPath() string { return filepath.Join(s.spec.Scratch, "output.log") }
func (s *sandbox) pidPath() string    { return filepath.Join(s.spec.Scratch, "pid") }
func (s *sandbox) emptyPath() string  { return filepath.Join(s.spec.Scratch, "empty") }

// call runs a command of the runtime. What it has made of the sandbox so far is
// killed when the command hangs.
func (s *sandbox) call(ctx context.Context, verb string, run func(context.Context) error) error {
	return s.runtime.call(ctx, verb, func() {
		if cgroup.Exists(s.cgroup) {
			cgroup.Kill(s.cgroup)
		}
	}, run)
}

// Start implements runtimes.Sandbox.
func (s *sandbox) Start(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if s.runtime.flavour.StartWaits {
		go func() {
			if process.Ends(ctx, s.pid) {
				time.Sleep(endGrace)
				cancel(errEnded)
			}
		}()
	}
	err := s.call(ctx, "start", func(ctx context.Context) error {
		return s.runtime.command().Start(ctx, s.id())
	})
	if errors.Is(err, errEnded) {
		return errors.Join(err, s.Running(ctx))
	}
	return err
}

// Address implements runtimes.Sandbox.
func (s *sandbox) Address() string { return s.net.Address.String() }

// Cgroup implements runtimes.Sandbox.
func (s *sandbox) Cgroup() string { return s.cgroup }

// Running implements runtimes.Sandbox. It reads one file: it is called while a
// phase is measured, when asking the runtime would add to the measurement.
// gVisor's sentry ends with the process that it runs.
func (s *sandbox) Running(context.Context) error {
	if s.deleted {
		return fmt.Errorf("sandbox %s was deleted", s.spec.ID)
	}
	// Dead processes that nobody has waited for yet are not listed (cgroup v2).
	pids, err := cgroup.Processes(s.cgroup)
	if err == nil && slices.Contains(pids, s.pid) {
		return nil
	}
	err = fmt.Errorf("process %d of sandbox %s (%s) has ended", s.pid, s.spec.ID, s.spec.Process.Args[0])
	if n := cgroup.Starved(s.cgroup); n > 0 {
		err = fmt.Errorf("%w: the kernel has killed %d processes of the sandbox for want of memory", err, n)
	}
	if tail := s.Output(); tail != "" {
		return fmt.Errorf("%w; its last output:\n%s", err, tail)
	}
	return fmt.Errorf("%w without any output", err)
}

// Output implements runtimes.Sandbox.
func (s *sandbox) Output() string {
	if s.deleted {
		return s.output
	}
	return file.Tail(s.outputPath())
}
