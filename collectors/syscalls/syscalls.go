package syscalls

import (
	"context"
	"fmt"
	"time"

	"hapscope/collectors"
	"hapscope/collectors/internal/seccomp"
	"hapscope/collectors/internal/tap"
	"hapscope/internal/kernel/probe"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// prefix names the instances, together with the process that made them. It
// must not begin with the prefix of another collector followed by a digit.
const prefix = "hapscope-sys-"

// event is what an instance is armed with.
const event = "raw_syscalls/sys_enter"

// Options of the collector. The zero value is the default.
type Options struct {
	BufferKiB int           // ring buffer per CPU; 0 is 16 MiB
	Poll      time.Duration // how long a drained ring buffer is left alone; 0 is 100 ms
}

// Collector is the system call tracepoint of this machine.
type Collector struct{ options Options }

var _ collectors.Collector = (*Collector)(nil)

// New makes a collector; it touches nothing yet.
func New(o Options) *Collector {
	if o.BufferKiB == 0 {
		o.BufferKiB = 16 << 10 // a fraction of ftrace's: one event a call, not one a function
	}
	return &Collector{o}
}

// Name is syscalls.
func (c *Collector) Name() string { return "syscalls" }

// Check reports what the tracepoint needs and what is there.
func (c *Collector) Check(context.Context) []record.Requirement {
	return []record.Requirement{
		probe.Root(), probe.Tracefs(), probe.Event(event), probe.Lockdown(), probe.Cgroup2(),
	}
}

// Sweep removes the trace instances of processes that are gone.
func (c *Collector) Sweep(context.Context) ([]string, error) { return tap.Sweep(prefix) }

// Open arms the tracepoint.
func (c *Collector) Open(context.Context) (collectors.Session, error) {
	s := &Session{watch: seccomp.New()}
	var err error
	s.Tap, err = tap.Open(tap.Options{
		Prefix: prefix, BufferKiB: c.options.BufferKiB, Poll: c.options.Poll,
		ForkOption: "event-fork", Filter: (*tracefs.Instance).EventFilter,
		Arm: func(i *tracefs.Instance) error {
			if s.layout, err = newLayout(i); err != nil {
				return err
			}
			if err := s.watch.Arm(i); err != nil {
				return err
			}
			return i.Write("events/"+event+"/enable", "1")
		},
	}, func(int) (tap.Sink, error) {
		counter := &counter{session: s, others: make(map[int64]uint64), log: s.watch.Log()}
		s.counters = append(s.counters, counter)
		return counter, nil
	})
	if err != nil {
		return nil, fmt.Errorf("arm system call tracepoint: %w", err)
	}
	return s, nil
}
