package shim

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"hapscope/runtimes"
)

// Options says how a variant is run. The zero value is the default.
type Options struct {
	Path     string        // of the shim; default: the first fitting one of Flavour.Shims
	Deadline time.Duration // of each request; default 5 minutes: a guest boots in one
	Engine   Engine        // default: the shim is started and asked directly
	// Leftovers removes what engines have left on this machine, whichever is used now.
	Leftovers func(context.Context) (removed []string, err error)
}

// Runtime starts sandboxes of one flavour.
type Runtime struct {
	flavour Flavour
	options Options

	mu    sync.Mutex
	found *installation // when it was found
}

var (
	_ runtimes.Runtime  = (*Runtime)(nil)
	_ runtimes.Preparer = (*Runtime)(nil)
)

// New returns the runtime of a flavour.
func New(f Flavour, o Options) *Runtime {
	if o.Path != "" {
		f.Shims = []string{o.Path}
	}
	if o.Deadline == 0 {
		o.Deadline = 5 * time.Minute
	}
	if o.Engine == nil {
		o.Engine = direct{}
	}
	return &Runtime{flavour: f, options: o}
}

// Variant implements runtimes.Runtime.
func (r *Runtime) Variant() string { return r.flavour.Variant }

// Prepare implements runtimes.Preparer.
func (r *Runtime) Prepare(ctx context.Context) (done func() error, err error) {
	return r.options.Engine.Prepare(ctx)
}

// Sweep implements runtimes.Runtime: what is in a cgroup or a network namespace of
// ours the OCI runtimes' sweep finds by the same names.
func (r *Runtime) Sweep(ctx context.Context) (removed []string, err error) {
	removed, err = killShims(binary)
	if r.options.Leftovers != nil {
		lines, e := r.options.Leftovers(ctx)
		removed, err = append(removed, lines...), errors.Join(err, e)
	}
	for _, dir := range r.flavour.State {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), IDPrefix) {
				continue
			}
			err = errors.Join(err, removeState(dir+"/"+e.Name()))
			removed = append(removed, "state "+dir+"/"+e.Name())
		}
	}
	return removed, err
}
