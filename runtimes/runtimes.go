// Package runtimes defines what hapscope asks of a way to start a sandbox.
// Each sub-package is one such way; none of them knows a collector.
package runtimes

import (
	"context"

	"hapscope/record"
)

// Runtime starts sandboxes of one variant.
type Runtime interface {
	// Variant is the name used in scenarios and reports, such as gvisor-systrap.
	Variant() string
	// Check reports what the variant needs here, whether it is there, and what
	// to do where it is not. Where only trying can tell, it tries; it leaves
	// nothing behind.
	Check(ctx context.Context) record.VariantInfo
	// Tools names the programs that take part, with versions and digests.
	Tools(ctx context.Context) ([]record.Tool, error)
	// Role says what a thread is to a sandbox of this variant. It is asked about
	// those only that run in user space and that run no virtual CPU.
	Role(t record.Thread) record.Role
	// Create makes a sandbox that holds the process but does not run it yet, in
	// a cgroup and a network namespace of its own. On error nothing is left.
	Create(ctx context.Context, spec Spec) (Sandbox, error)
	// Sweep removes what earlier, killed runs of this engine have left behind
	// and returns one line for each thing removed. Running sandboxes of a live
	// hapscope are the caller's business: it holds a lock.
	Sweep(ctx context.Context) ([]string, error)
}

// Preparer is a runtime that needs something beside the sandboxes while they are made,
// such as a daemon.
type Preparer interface {
	// Prepare makes it ready until done is called. Tracers do not follow the
	// calling thread.
	Prepare(ctx context.Context) (done func() error, err error)
}

// Booter is a Runtime that may boot unikernels in the place of workloads' processes.
type Booter interface {
	// Unikernels is what it knows of them; nil where the variant boots none.
	Unikernels() Unikernels
}

// Unikernels says what a variant makes of the unikernels that a plan names.
type Unikernels interface {
	// Check reports what of the one for a workload is missing or wrong; nil is one that
	// the plan does not name.
	Check(workload string, u *record.Unikernel) []record.Requirement
	// Tools names its files, with digests.
	Tools(workload string, u record.Unikernel) ([]record.Tool, error)
}

// UnikernelsOf returns a runtime's, or nil where it boots none.
func UnikernelsOf(r Runtime) Unikernels {
	if b, ok := r.(Booter); ok {
		return b.Unikernels()
	}
	return nil
}

// Spec is what runs in a sandbox.
type Spec struct {
	ID      string // unique on this machine, [a-z0-9-]+
	Rootfs  string // directory with the image's root file system; never written to
	Process record.Process
	// Unikernel is what runs in the place of Process, in variants that boot some.
	Unikernel *record.Unikernel
	Scratch   string // an existing directory for bundle, logs and writable layer
	// Image is the reference of an image to run from instead of Rootfs, in variants of a
	// container engine.
	Image string
	// Adopt is called, on the thread that has called Start, as soon as there are processes
	// of the sandbox that this thread has not forked: tracers follow what is in the cgroup
	// from then on. Nil where nothing is observed.
	Adopt func(cgroup string) error
}

// Assisted is a sandbox that an engine has processes beside.
type Assisted interface {
	// Helpers lists them, as they were when the sandbox had started.
	Helpers() []record.Helper
}

// Sandbox is one created sandbox. Its methods are not safe for concurrent use.
type Sandbox interface {
	// Start runs the process. It returns when the runtime says that it runs,
	// which is long before it is ready.
	Start(ctx context.Context) error
	// Address is the sandbox's IP address, reachable from this network namespace.
	Address() string
	// Cgroup is the absolute directory of the cgroup (v2) that holds everything
	// which the sandbox consists of on the host.
	Cgroup() string
	// Running returns nil while the process runs, else why it does not.
	Running(ctx context.Context) error
	// Output returns the tail of what process and runtime have printed.
	Output() string
	// Delete ends the process and removes everything that Create made. It may be
	// called in every state and more than once.
	Delete(ctx context.Context) error
}
