package oci

import (
	"path/filepath"
	"slices"
	"time"

	runc "github.com/containerd/go-runc"

	"hapscope/record"
	"hapscope/runtimes"
)

// stateDir holds a state directory for each variant: sandboxes of ours never
// mix with those of the machine, and Sweep finds them.
const stateDir = "/run/hapscope/oci"

// Options says how a variant is run. The zero value is the default.
type Options struct {
	Path     string        // of the program; default: Flavour.Binary, looked up in PATH
	Deadline time.Duration // of each command of the runtime; default 2 minutes
}

// Runtime starts sandboxes of one flavour.
type Runtime struct {
	flavour Flavour
	options Options
}

// New returns the runtime of a flavour.
func New(f Flavour, o Options) *Runtime {
	if o.Path == "" {
		o.Path = f.Binary
	}
	if o.Deadline == 0 {
		// gVisor with ptrace needs some 10 s to create a sandbox under emulation.
		o.Deadline = 2 * time.Minute
	}
	return &Runtime{flavour: f, options: o}
}

var (
	_ runtimes.Runtime = (*Runtime)(nil)
	_ runtimes.Booter  = (*Runtime)(nil)
)

// Variant implements runtimes.Runtime.
func (r *Runtime) Variant() string { return r.flavour.Variant }

// Role implements runtimes.Runtime.
func (r *Runtime) Role(t record.Thread) record.Role {
	return runtimes.RoleOf(t, r.flavour.Roles, r.flavour.Program)
}

// Unikernels implements runtimes.Booter.
func (r *Runtime) Unikernels() runtimes.Unikernels {
	if r.flavour.Unikernel == nil {
		return nil
	}
	return r.flavour.Unikernel
}

// root is the state directory of the variant.
func (r *Runtime) root() string { return filepath.Join(stateDir, r.flavour.Variant) }

// command is the runtime's command line. Each run has a process group of its
// own: an interrupt at the terminal is ours to handle, and see call.
func (r *Runtime) command() *runc.Runc {
	return &runc.Runc{Command: r.options.Path, Root: r.root(), Setpgid: true, ExtraArgs: r.globalArgs()}
}

// globalArgs stand before the subcommand.
func (r *Runtime) globalArgs() []string {
	if r.unaccounted() {
		return append(slices.Clone(r.flavour.GlobalArgs), "--ignore-cgroups")
	}
	return r.flavour.GlobalArgs
}
