package vhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"hapscope/collectors"
	"hapscope/internal/kernel/probe"
	"hapscope/record"
)

// Collector is the BPF programs on vhost of this machine.
type Collector struct{}

var _ collectors.Collector = (*Collector)(nil)

// New makes a collector; it touches nothing yet.
func New() *Collector { return new(Collector) }

// Name is vhost.
func (c *Collector) Name() string { return "vhost" }

// Check reports what the programs need and what is there.
func (c *Collector) Check(context.Context) []record.Requirement {
	return []record.Requirement{
		probe.Root(), probe.Tracefs(), probe.Tracer("function"), probe.Lockdown(), probe.Symbols(), probe.Cgroup2(), probe.BTF(), probe.Fentry(),
		modules(), types(),
	}
}

// modules asks for vhost, and that none of its modules will be loaded by a runtime
// that opens a device, in the middle of an observation.
func modules() record.Requirement {
	r := record.Requirement{Name: "modules of vhost"}
	var there, absent []string
	backends := backends[1:]
	for _, b := range backends {
		if _, err := os.Stat("/sys/module/" + b.module); err == nil {
			there = append(there, b.module)
		} else if _, err := os.Stat(b.device); err == nil {
			absent = append(absent, b.module)
		}
	}
	switch {
	case len(there) == 0:
		r.Detail, r.Remedy = "none is loaded", "modprobe vhost_net vhost_vsock, if anything here uses them"
	case len(absent) > 0:
		r.Detail = fmt.Sprintf("%s loaded; not %s, which whoever opens its device loads", strings.Join(there, ", "), strings.Join(absent, ", "))
		r.Remedy = "modprobe " + strings.Join(absent, " ")
	default:
		r.Met, r.Detail = true, strings.Join(there, ", ")+" loaded"
	}
	return r
}

// types asks for the places in vhost's structures.
func types() record.Requirement {
	r := record.Requirement{Name: "BTF of vhost"}
	if _, err := os.Stat("/sys/module/" + core); err != nil {
		r.Detail, r.Remedy = "vhost is not loaded", "modprobe vhost"
	} else if _, err := layout(); err != nil {
		r.Detail, r.Remedy = err.Error(), "use a kernel with CONFIG_DEBUG_INFO_BTF_MODULES, or measure in the lab VM"
	} else {
		r.Met, r.Detail = true, "queues and work items are described"
	}
	return r
}

// Sweep has nothing to do: programs, links and maps are held by descriptors, and live
// no longer than the process that has them.
func (c *Collector) Sweep(context.Context) ([]string, error) { return nil, nil }

// Open attaches the programs.
func (c *Collector) Open(context.Context) (collectors.Session, error) {
	s := new(Session)
	if err := s.arm(); err != nil {
		return nil, errors.Join(fmt.Errorf("arm the programs on vhost: %w", err), s.Close())
	}
	return s, nil
}
