package ebpf

import (
	"context"
	"fmt"

	"hapscope/collectors"
	"hapscope/internal/kernel/probe"
	"hapscope/record"
)

// Options of the collector. The zero value is the default.
type Options struct {
	// Functions are the only ones to be observed, by name; none is all. They are
	// attached to one by one (fentry), which kernels without kprobe.multi can do as
	// well, and never detached while the session lasts, so that their counts are
	// exact. More than MaxFunctions are refused: each takes a program of its own.
	Functions []string
}

// MaxFunctions bounds Options.Functions.
const MaxFunctions = 256

// Collector is the BPF witness of this machine.
type Collector struct{ options Options }

var _ collectors.Collector = (*Collector)(nil)

// New makes a collector; it touches nothing yet.
func New(o Options) *Collector { return &Collector{o} }

// Name is ebpf.
func (c *Collector) Name() string { return "ebpf" }

// Check reports what the programs need and what is there.
func (c *Collector) Check(context.Context) []record.Requirement {
	all := []record.Requirement{
		probe.Root(), probe.Tracefs(), probe.Tracer("function"), probe.Lockdown(), probe.Symbols(), probe.Cgroup2(), probe.BTF(),
	}
	if len(c.options.Functions) == 0 {
		all = append(all, probe.KprobeMulti())
	}
	return all
}

// Sweep has nothing to do: programs, links and maps live no longer than the
// process that holds them.
func (c *Collector) Sweep(context.Context) ([]string, error) { return nil, nil }

// Open reads the universe and attaches to all of it.
func (c *Collector) Open(ctx context.Context) (collectors.Session, error) { return c.Arm(ctx) }

// Arm is Open with the type that also tells the universe.
func (c *Collector) Arm(context.Context) (*Session, error) {
	s, err := newSession(c.options.Functions)
	if err != nil {
		return nil, fmt.Errorf("arm BPF witness: %w", err)
	}
	return s, nil
}
