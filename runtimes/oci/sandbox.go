package oci

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/file"
	"hapscope/runtimes/netns"
)

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

func (s *sandbox) outputPath() string { return filepath.Join(s.spec.Scratch, "output.log") }
func (s *sandbox) pidPath() string    { return filepath.Join(s.spec.Scratch, "pid") }

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
	return s.call(ctx, "start", func(ctx context.Context) error {
		return s.runtime.command().Start(ctx, s.spec.ID)
	})
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
