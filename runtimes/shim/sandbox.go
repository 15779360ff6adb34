package shim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/file"
	"hapscope/runtimes/netns"
)

const (
	// cgroupParent is that of all sandboxes, as in package oci.
	cgroupParent = "/hapscope"
	// inner is the last part of the cgroup's path that the shim is given. It moves
	// itself into one beside it (kata_ and this), and to the parent when it is done,
	// where a controller that were enabled for the children would keep it out.
	inner = "vm"
	// logFile is where a shim writes its log, in its working directory.
	logFile = "log"
)

// sandbox is one sandbox. Fields are set as far as it got.
type sandbox struct {
	runtime *Runtime
	spec    runtimes.Spec
	net     *netns.Namespace
	bundle  *bundle.Bundle
	cgroup  string
	in      installation
	started bool // the shim was asked for
	task    Task
	created bool // the shim has a container, and can be asked to remove it
	running bool // the process was started
	monitor int  // process of the monitor
	output  string
	deleted bool

	mu   sync.Mutex
	exit error // how the process in the sandbox has ended
}

var _ runtimes.Sandbox = (*sandbox)(nil)

func (s *sandbox) id() string         { return IDPrefix + s.spec.ID }
func (s *sandbox) outputPath() string { return filepath.Join(s.spec.Scratch, "output.log") }
func (s *sandbox) logPath() string    { return filepath.Join(s.spec.Scratch, logFile) }

// Create implements runtimes.Runtime.
func (r *Runtime) Create(ctx context.Context, spec runtimes.Spec) (runtimes.Sandbox, error) {
	s := &sandbox{runtime: r, spec: spec}
	if err := s.create(ctx); err != nil {
		err = fmt.Errorf("create sandbox %s: %w", spec.ID, err)
		if tail := s.Output(); tail != "" {
			err = fmt.Errorf("%w; its last output:\n%s", err, tail)
		}
		return nil, errors.Join(err, s.Delete(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *sandbox) create(ctx context.Context) error {
	root, err := cgroup.Root()
	if err != nil {
		return err
	}
	if s.in, err = s.runtime.installed(ctx); err != nil {
		return err
	}
	dir := filepath.Join(root, cgroupParent, s.spec.ID)
	if cgroup.Exists(dir) {
		return fmt.Errorf("its cgroup %s is there already", dir)
	}
	if s.net, err = netns.Create(s.spec.ID); err != nil {
		return err
	}
	s.cgroup = dir
	if err := cgroup.Create(dir); err != nil {
		return err
	}
	if s.bundle, err = bundle.Create(s.spec, filepath.Join(cgroupParent, s.spec.ID, inner), s.net.Path); err != nil {
		return err
	}
	// containerd makes a pipe of it; nobody is to read meanwhile.
	if err := os.WriteFile(s.outputPath(), nil, 0o600); err != nil {
		return err
	}
	if err := s.call(ctx, "create", s.createTask); err != nil {
		return s.diagnose(err)
	}
	s.created = true
	return nil
}

func (s *sandbox) createTask(ctx context.Context) error {
	options, err := s.in.options()
	if err != nil {
		return err
	}
	return s.guarded(ctx, func(ctx context.Context) (err error) {
		s.started = true
		s.task, err = s.runtime.options.Engine.Create(ctx, Order{
			ID: s.id(), Shim: s.in.shim, Bundle: s.bundle, Output: s.outputPath(), Options: options,
		})
		if err == nil {
			s.monitor, err = findMonitor(s.cgroup)
		}
		return err
	})
}

// diagnose says of a sandbox that could not be created how far it has come, and what
// can be done.
func (s *sandbox) diagnose(err error) error {
	c, remedy := s.in.config, "hapscope doctor shows what it needs"
	guest := "is " + cmp.Or(c.Image, c.Initrd, "the guest's image") + " one with Kata's agent, and does " + cmp.Or(c.Kernel, "its kernel") + " fit it?"
	_, noMonitor := findMonitor(s.cgroup)
	switch {
	case runtimes.Remedy(err) != "":
		return err // the engine knows better
	case errors.Is(err, errMonitorGone):
		remedy = "see the kernel's log (dmesg) for " + cmp.Or(c.Monitor, "it") + "; a guest that panics ends it, too: " + guest
	case errors.Is(err, errNoMonitor):
		remedy = "see that " + c.Path + " has sandbox_cgroup_only = true"
	case errors.Is(err, context.Canceled):
		return err // the user has interrupted it
	case noMonitor == nil && (errors.Is(err, errNoAnswer) || errors.Is(err, context.DeadlineExceeded)):
		err = fmt.Errorf("the virtual machine runs, but the agent in it has not answered: %w", err)
		remedy = guest + " A slow machine needs a longer deadline"
	}
	return runtimes.WithRemedy(err, remedy)
}

// errNoAnswer is when a request has taken too long.
var errNoAnswer = errors.New("no answer")

// call makes one request. When it gets no answer the sandbox is killed, and with it
// the connection ends.
func (s *sandbox) call(ctx context.Context, verb string, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.runtime.options.Deadline, fmt.Errorf("%w after %v", errNoAnswer, s.runtime.options.Deadline))
	defer cancel()
	err := request(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Cause(ctx)): // says why
	case errors.Is(err, ctx.Err()): // says no more than that
		err = context.Cause(ctx)
	case ctx.Err() != nil:
		err = fmt.Errorf("%w (%w)", context.Cause(ctx), err)
	}
	return fmt.Errorf("%s %s: %w", binary, verb, err)
}

// Start implements runtimes.Sandbox.
func (s *sandbox) Start(ctx context.Context) error {
	err := s.call(ctx, "start", func(ctx context.Context) error { return s.guarded(ctx, s.task.Start) })
	if err != nil {
		return err
	}
	s.running = true
	// The answer comes when the process ends, or the shim: nothing goes to and fro
	// meanwhile.
	t := s.task
	go func() {
		status, err := t.Wait(context.Background())
		if err == nil {
			err = fmt.Errorf("exit status %d", status)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.exit = err
	}()
	return nil
}

// Address implements runtimes.Sandbox.
func (s *sandbox) Address() string { return s.net.Address.String() }

// Cgroup implements runtimes.Sandbox.
func (s *sandbox) Cgroup() string { return s.cgroup }

// Running implements runtimes.Sandbox. It asks nobody.
func (s *sandbox) Running(context.Context) error {
	if s.deleted {
		return fmt.Errorf("sandbox %s was deleted", s.spec.ID)
	}
	s.mu.Lock()
	err := s.exit
	s.mu.Unlock()
	what := s.spec.Process.Args[0]
	if err == nil {
		pids, e := cgroup.Processes(s.cgroup)
		if e == nil && slices.Contains(pids, s.monitor) {
			return nil
		}
		what, err = "its monitor, process "+strconv.Itoa(s.monitor), e
	}
	ended := fmt.Errorf("%s in sandbox %s has ended", what, s.spec.ID)
	if err != nil {
		ended = fmt.Errorf("%w: %w", ended, err)
	}
	if tail := s.Output(); tail != "" {
		return fmt.Errorf("%w; its last output:\n%s", ended, tail)
	}
	return fmt.Errorf("%w, without any output", ended)
}

// Output implements runtimes.Sandbox: the process's, and where there is none the
// shim's own.
func (s *sandbox) Output() string {
	if s.deleted {
		return s.output
	}
	for _, name := range []string{s.outputPath(), s.logPath()} {
		if text := file.Tail(name); text != "" {
			return text
		}
	}
	return ""
}
