package container

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/enclosure"
)

const (
	// deadline is for creating, and for starting; gVisor with ptrace needs some 10 s under
	// emulation.
	deadline = 2 * time.Minute
	// removeDeadline is for removing all that there is.
	removeDeadline = 2 * time.Minute
	// endGrace is what the shim and an engine's last command may take to end after the
	// container: Podman's is a large program, which takes seconds to begin under emulation.
	endGrace = 45 * time.Second
)

// Sandbox is one container. Fields are set as far as it got.
type Sandbox struct {
	engine    Engine
	roles     *Roles
	spec      runtimes.Spec
	place     Place
	enclosure *enclosure.Enclosure
	asked     bool // the engine was asked to create it
	pid       int
	address   string
	output    string
	deleted   bool
}

var (
	_ runtimes.Sandbox  = (*Sandbox)(nil)
	_ runtimes.Assisted = (*Sandbox)(nil)
)

// Create has an engine make a container. The roles are told what its shim is called.
// On error nothing is left.
func Create(ctx context.Context, spec runtimes.Spec, e Engine, roles *Roles) (*Sandbox, error) {
	s := &Sandbox{engine: e, roles: roles, spec: spec}
	if err := s.create(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("create sandbox %s: %w", spec.ID, err), s.Delete(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Sandbox) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	root, err := cgroup.Root()
	if err != nil {
		return err
	}
	if s.place, err = s.engine.Place(ctx); err != nil {
		return err
	}
	if s.enclosure, err = enclosure.New(filepath.Join(root, s.place.Dir)); err != nil {
		return err
	}
	s.asked = true
	return s.engine.Create(ctx)
}

// Start implements runtimes.Sandbox.
func (s *Sandbox) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	early, late := s.adopters()
	if err := s.enclosure.Start(ctx, early, s.engine.Start); err != nil {
		return err
	}
	state, err := s.engine.State(ctx)
	if err != nil {
		return err
	}
	if !state.Running || state.PID == 0 {
		return s.ended(fmt.Sprintf("exit code %d", state.ExitCode))
	}
	s.pid, s.address = state.PID, state.Address
	if err := s.enclosure.Gather(s.pid); err != nil {
		return err
	}
	s.roles.SetShim(s.enclosure.Origin().Command)
	if late != nil {
		if err := late(s.enclosure.Dir()); err != nil {
			return err
		}
	}
	if err := s.Running(ctx); err != nil {
		return err
	}
	if s.address == "" {
		return fmt.Errorf("container %s has no IP address", Name(s.spec.ID))
	}
	return nil
}

// adopters are called when the first process of the sandbox has entered its cgroup, and
// when all are there: nil where the thread that calls Start forks them itself, and where
// nothing is observed.
func (s *Sandbox) adopters() (early, late func(cgroup string) error) {
	if !s.place.Daemon {
		return nil, nil
	}
	if s.place.Unentered {
		return nil, s.spec.Adopt // nobody enters the cgroup by itself
	}
	return s.spec.Adopt, s.spec.Adopt
}

// Address implements runtimes.Sandbox.
func (s *Sandbox) Address() string { return s.address }

// Cgroup implements runtimes.Sandbox.
func (s *Sandbox) Cgroup() string { return s.enclosure.Dir() }

// Helpers implements runtimes.Assisted.
func (s *Sandbox) Helpers() []record.Helper {
	helpers := s.enclosure.Beside()
	for i, h := range helpers {
		helpers[i].Role = s.roles.Of(record.Thread{Process: h.Command, Command: h.Command, Name: h.Command})
	}
	return helpers
}

// Running implements runtimes.Sandbox. It asks nobody.
func (s *Sandbox) Running(context.Context) error {
	if s.deleted {
		return fmt.Errorf("sandbox %s was deleted", s.spec.ID)
	}
	if s.runs() {
		return nil
	}
	return s.ended(fmt.Sprintf("it was process %d", s.pid))
}

func (s *Sandbox) runs() bool {
	if s.pid == 0 {
		return false
	}
	pids, err := cgroup.Processes(s.enclosure.Dir())
	return err == nil && slices.Contains(pids, s.pid)
}

func (s *Sandbox) ended(how string) error {
	err := fmt.Errorf("%s in container %s has ended (%s)", s.spec.Process.Args[0], s.spec.ID, how)
	if tail := s.Output(); tail != "" {
		return fmt.Errorf("%w; its last output:\n%s", err, tail)
	}
	return fmt.Errorf("%w, without any output", err)
}

// Output implements runtimes.Sandbox.
func (s *Sandbox) Output() string {
	if s.deleted || !s.asked {
		return s.output
	}
	return s.engine.Output()
}

// Delete implements runtimes.Sandbox.
func (s *Sandbox) Delete(ctx context.Context) error {
	if s.deleted {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeDeadline)
	defer cancel()
	var errs []error
	if s.asked {
		s.output = s.Output()
		errs = append(errs, s.end(ctx), s.engine.Remove(ctx))
	}
	if s.enclosure != nil {
		errs = append(errs, s.empty(ctx), s.enclosure.Remove(ctx))
	}
	if s.enclosure != nil && s.place.Release != nil {
		errs = append(errs, s.place.Release(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("delete sandbox %s: %w", s.spec.ID, err)
	}
	s.deleted = true
	return nil
}

// end kills the process of one that runs, and waits until what served it has ended, too,
// which is part of the teardown. (What still lives after that, Delete waits for again.)
func (s *Sandbox) end(ctx context.Context) error {
	if !s.runs() {
		return nil
	}
	if err := s.engine.Kill(ctx); err != nil {
		if state, e := s.engine.State(ctx); e != nil || state.Running {
			return err
		} // else it has ended by itself meanwhile
	}
	return s.empty(ctx)
}

func (s *Sandbox) empty(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, endGrace, errors.New("the shim has not ended with its container; it was removed by force"))
	defer cancel()
	return s.enclosure.Empty(ctx)
}
