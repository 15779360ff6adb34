package kvm

import (
	"context"
	"fmt"
	"time"

	"hapscope/collectors"
	"hapscope/collectors/internal/tap"
	"hapscope/internal/kernel/probe"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// prefix names the instances, together with the process that made them. It must
// not begin with the prefix of another collector followed by a digit.
const prefix = "hapscope-kvm-"

// Options of the collector. The zero value is the default.
type Options struct {
	BufferKiB int           // ring buffer per CPU; 0 is 16 MiB
	Poll      time.Duration // how long a drained ring buffer is left alone; 0 is 100 ms
}

// Collector is the trace events of KVM on this machine.
type Collector struct{ options Options }

var _ collectors.Collector = (*Collector)(nil)

// New makes a collector; it touches nothing yet.
func New(o Options) *Collector {
	if o.BufferKiB == 0 {
		o.BufferKiB = 16 << 10
	}
	return &Collector{o}
}

// Name is kvm.
func (c *Collector) Name() string { return "kvm" }

// Check reports what the events need and what is there. Without the module kvm
// there are none, and no virtual machine either.
func (c *Collector) Check(context.Context) []record.Requirement {
	return []record.Requirement{
		probe.Root(), probe.Tracefs(), probe.Event("kvm/" + kvmExit), probe.Lockdown(), probe.Cgroup2(),
	}
}

// Sweep removes the trace instances of processes that are gone.
func (c *Collector) Sweep(context.Context) ([]string, error) { return tap.Sweep(prefix) }

// Open arms the events.
func (c *Collector) Open(context.Context) (collectors.Session, error) {
	s := new(Session)
	var err error
	s.Tap, err = tap.Open(tap.Options{
		Prefix: prefix, BufferKiB: c.options.BufferKiB, Poll: c.options.Poll,
		ForkOption: "event-fork", Filter: (*tracefs.Instance).EventFilter,
		Arm: s.arm,
	}, func(int) (tap.Sink, error) {
		counter := newCounter(s)
		s.counters = append(s.counters, counter)
		return counter, nil
	})
	if err != nil {
		return nil, fmt.Errorf("arm KVM's trace events: %w", err)
	}
	return s, nil
}
