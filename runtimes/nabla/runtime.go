package nabla

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"hapscope/internal/command"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/file"
)

// greetingDeadline bounds what a tender takes to say who it is.
const greetingDeadline = 30 * time.Second

// Options says how a variant is run. The zero value is the default.
type Options struct {
	Path     string        // of the tender; default: Flavour.Binary, looked up in PATH, then Flavour.Path
	Deadline time.Duration // of removing a sandbox; default 2 minutes
}

// Runtime starts sandboxes of one flavour.
type Runtime struct {
	flavour Flavour
	options Options
}

// New returns the runtime of a flavour.
func New(f Flavour, o Options) *Runtime {
	o.Deadline = cmp.Or(o.Deadline, 2*time.Minute)
	return &Runtime{flavour: f, options: o}
}

var (
	_ runtimes.Runtime = (*Runtime)(nil)
	_ runtimes.Booter  = (*Runtime)(nil)
)

// Variant implements runtimes.Runtime.
func (r *Runtime) Variant() string { return r.flavour.Variant }

// Role implements runtimes.Runtime. There is one process: hapscope itself, which forked
// it, is not reported.
func (r *Runtime) Role(record.Thread) record.Role { return r.flavour.Role }

// Unikernels implements runtimes.Booter.
func (r *Runtime) Unikernels() runtimes.Unikernels { return r.flavour.Kind }

// Sweep implements runtimes.Runtime: what is in a cgroup or a network namespace of ours
// the OCI runtimes' sweep finds by the same names, and nothing is anywhere else.
func (r *Runtime) Sweep(context.Context) ([]string, error) { return nil, nil }

// find returns the path of the tender.
func (r *Runtime) find() (string, error) {
	path, err := exec.LookPath(cmp.Or(r.options.Path, r.flavour.Binary))
	if err != nil && r.options.Path == "" {
		if there, e := exec.LookPath(r.flavour.Path); e == nil {
			return there, nil
		}
	}
	return path, err
}

// greet asks a tender who it is. It returns its version, where it tells one.
func (r *Runtime) greet(ctx context.Context, path string) (version string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, greetingDeadline, errors.New("no answer"))
	defer cancel()
	f := r.flavour
	// nabla-run ends with status 1 behind its help.
	c := exec.CommandContext(ctx, path, f.Greeting)
	defer command.Log(ctx, c)()
	output, err := c.CombinedOutput()
	text := strings.TrimSpace(string(output))
	if !strings.Contains(text, f.Answer) {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", errors.Join(fmt.Errorf("%s %s says %q, in which %q is missing: it is no %s, or cannot be linked", path, f.Greeting, text, f.Answer, f.Binary), err)
	}
	line, _, _ := strings.Cut(text, "\n")
	_, version, _ = strings.Cut(line, "tender, version ")
	return version, nil
}

// Tools implements runtimes.Runtime. nabla-run has no version: it is known by its digest.
func (r *Runtime) Tools(ctx context.Context) ([]record.Tool, error) {
	path, err := r.find()
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", r.flavour.Binary, err)
	}
	version, err := r.greet(ctx, path)
	if err != nil {
		return nil, err
	}
	sum, err := file.Digest(path)
	if err != nil {
		return nil, fmt.Errorf("digest %s: %w", path, err)
	}
	return []record.Tool{{Name: r.flavour.Binary, Path: path, Version: version, SHA256: sum}}, nil
}
