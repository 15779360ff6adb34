package ftrace

import (
	"context"
	"fmt"
	"time"

	"hapscope/collectors"
	"hapscope/collectors/internal/seccomp"
	"hapscope/collectors/internal/tap"
	"hapscope/internal/kernel/probe"
	"hapscope/internal/kernel/symbols"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// prefix names the instances, together with the process that made them.
const prefix = "hapscope-"

// Options of the collector. The zero value is the default.
type Options struct {
	BufferKiB int           // ring buffer per CPU; 0 is 64 MiB, or less on a small machine
	Poll      time.Duration // how long a drained ring buffer is left alone; 0 is 100 ms
}

// Collector is the function tracer of this machine.
type Collector struct{ options Options }

var _ collectors.Collector = (*Collector)(nil)

// New makes a collector; it touches nothing yet.
func New(o Options) *Collector { return &Collector{o} }

// Name is ftrace.
func (c *Collector) Name() string { return "ftrace" }

// Check reports what the function tracer needs and what is there.
func (c *Collector) Check(context.Context) []record.Requirement {
	return []record.Requirement{
		probe.Root(), probe.Tracefs(), probe.Tracer("function"), probe.Lockdown(), probe.Symbols(), probe.Cgroup2(),
	}
}

// Sweep removes the trace instances of processes that are gone.
func (c *Collector) Sweep(context.Context) ([]string, error) { return tap.Sweep(prefix) }

// Open reads the universe and arms the tracer. Modules that are loaded
// afterwards are traced too, and come into the universe when their functions are
// first seen.
func (c *Collector) Open(ctx context.Context) (collectors.Session, error) { return c.Arm(ctx) }

// Arm is Open with the type that also tells the universe.
func (c *Collector) Arm(context.Context) (*Session, error) {
	fs, err := tracefs.Open()
	if err != nil {
		return nil, fmt.Errorf("arm function tracer: %w", err)
	}
	table, err := symbols.Load(fs)
	if err != nil {
		return nil, fmt.Errorf("arm function tracer: %w", err)
	}
	s := &Session{table: table, identities: map[int32]record.Thread{}, watch: seccomp.New()}
	s.Tap, err = tap.Open(tap.Options{
		Prefix: prefix, BufferKiB: c.options.BufferKiB, Poll: c.options.Poll,
		ForkOption: "function-fork", Filter: (*tracefs.Instance).FunctionFilter,
		Arm: func(i *tracefs.Instance) error {
			if s.layout, err = newLayout(i); err != nil {
				return err
			}
			if err := s.watch.Arm(i); err != nil {
				return err
			}
			return i.Write("current_tracer", "function")
		},
	}, func(int) (tap.Sink, error) {
		counter := newCounter(s)
		counter.log = s.watch.Log()
		s.counters = append(s.counters, counter)
		return counter, nil
	})
	if err != nil {
		return nil, fmt.Errorf("arm function tracer: %w", err)
	}
	return s, nil
}
