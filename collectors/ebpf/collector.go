package ebpf

import (
	"context"
	"fmt"

	"hapscope/collectors"
	"hapscope/internal/kernel/probe"
	"hapscope/record"
)

// Collector is the BPF witness of this machine.
type Collector struct{}

var _ collectors.Collector = (*Collector)(nil)

// New makes a collector; it touches nothing yet.
func New() *Collector { return &Collector{} }

// Name is ebpf.
func (c *Collector) Name() string { return "ebpf" }

// Check reports what the programs need and what is there.
func (c *Collector) Check(context.Context) []record.Requirement {
	return []record.Requirement{
		probe.Root(), probe.Tracefs(), probe.Tracer("function"), probe.Lockdown(), probe.Symbols(), probe.Cgroup2(), probe.BTF(), probe.KprobeMulti(),
	}
}

// Sweep has nothing to do: programs, links and maps live no longer than the
// process that holds them.
func (c *Collector) Sweep(context.Context) ([]string, error) { return nil, nil }

// Open reads the universe and attaches to all of it.
func (c *Collector) Open(ctx context.Context) (collectors.Session, error) { return c.Arm(ctx) }

// Arm is Open with the type that also tells the universe.
func (c *Collector) Arm(context.Context) (*Session, error) {
	s, err := newSession()
	if err != nil {
		return nil, fmt.Errorf("arm BPF witness: %w", err)
	}
	return s, nil
}
