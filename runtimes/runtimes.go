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

// Spec is what runs in a sandbox.
type Spec struct {
	ID      string // unique on this machine, [a-z0-9-]+
	Rootfs  string // directory with the image's root file system; never written to
	Process record.Process
	Scratch string // an existing directory for bundle, logs and writable layer
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
