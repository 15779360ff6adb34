package vhost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"hapscope/collectors"
	"hapscope/collectors/internal/bpf"
	"hapscope/internal/kernel/symbols"
	"hapscope/record"
)

// Session is the attached programs.
type Session struct {
	objects   *ebpf.Collection
	threads   *bpf.Threads
	links     []link.Link
	table     *symbols.Table
	functions []record.Function // in the order of the counts
	modules   map[string]uint64 // that were loaded when it was armed, see loaded
	flowing   bool
}

var _ collectors.Session = (*Session)(nil)

// Follow makes every later child of the thread tid followed.
func (s *Session) Follow(tid int) error { return s.threads.Follow(tid) }

// Seed follows the cgroup, and all its threads whatever becomes of them.
func (s *Session) Seed(t collectors.Target) (added int, err error) { return s.threads.Seed(t.Cgroup) }

// Prepare is refused where the programs would not see everything.
func (s *Session) Prepare() error {
	if s.flowing {
		return nil
	}
	if err := errors.Join(s.unchanged(), s.reset()); err != nil {
		return fmt.Errorf("prepare to count what vhost does: %w", err)
	}
	return nil
}

// Begin lets events be counted.
func (s *Session) Begin() error {
	if s.flowing {
		return errors.New("begin counting what vhost does: it has begun already")
	}
	if err := s.Prepare(); err != nil {
		return err
	}
	if err := s.objects.Variables["enabled"].Set(uint32(1)); err != nil {
		return fmt.Errorf("begin counting what vhost does: %w", err)
	}
	s.flowing = true
	return nil
}

// Stop stops the counting.
func (s *Session) Stop() error {
	if err := s.objects.Variables["enabled"].Set(uint32(0)); err != nil {
		return fmt.Errorf("stop counting what vhost does: %w", err)
	}
	return nil
}

// End stops the counting and returns what was counted since Begin.
func (s *Session) End(context.Context) (o collectors.Observation, err error) {
	if !s.flowing {
		return o, errors.New("end counting what vhost does: it has not begun")
	}
	s.flowing = false
	if err := errors.Join(s.Stop(), bpf.Settle()); err != nil {
		return o, fmt.Errorf("end counting what vhost does: %w", err)
	}
	if err := s.unchanged(); err != nil {
		return o, fmt.Errorf("end counting what vhost does: %w", err)
	}
	if o, err = s.collect(); err != nil {
		return collectors.Observation{}, fmt.Errorf("end counting what vhost does: %w", err)
	}
	return o, nil
}

func names(modules map[string]uint64) []string { return slices.Sorted(maps.Keys(modules)) }

// Forget follows nothing any more.
func (s *Session) Forget() error {
	if s.flowing {
		return errors.New("forget followed threads: what vhost does is being counted")
	}
	return s.threads.Forget()
}

// Close detaches everything and takes it out of the kernel.
func (s *Session) Close() error {
	var errs []error
	for _, l := range slices.Backward(s.links) {
		errs = append(errs, l.Close())
	}
	s.links = nil
	if s.objects != nil {
		s.objects.Close()
	}
	return errors.Join(errs...)
}
