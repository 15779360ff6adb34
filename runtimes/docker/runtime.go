package docker

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/container"
	"hapscope/runtimes/docker/daemon"
	"hapscope/runtimes/file"
	"hapscope/runtimes/shim"
)

// Runtime starts sandboxes with one runtime of a daemon.
type Runtime struct {
	variant string
	engine  *Engine
	roles   container.Roles
}

var (
	_ runtimes.Runtime  = (*Runtime)(nil)
	_ runtimes.Preparer = (*Runtime)(nil)
)

// New returns the runtime of a variant, whose name begins with Prefix.
func New(variant string, e *Engine) *Runtime {
	return &Runtime{variant: variant, engine: e, roles: container.Roles{More: shim.Roles()}}
}

// Variant implements runtimes.Runtime.
func (r *Runtime) Variant() string { return r.variant }

// name is the daemon's for the runtime.
func (r *Runtime) name() string { return strings.TrimPrefix(r.variant, Prefix) }

// Prepare implements runtimes.Preparer.
func (r *Runtime) Prepare(ctx context.Context) (func() error, error) { return r.engine.prepare(ctx) }

// Sweep implements runtimes.Runtime.
func (r *Runtime) Sweep(ctx context.Context) ([]string, error) { return r.engine.Sweep(ctx) }

// Role implements runtimes.Runtime.
func (r *Runtime) Role(t record.Thread) record.Role { return r.roles.Of(t) }

// Check implements runtimes.Runtime.
func (r *Runtime) Check(ctx context.Context) (info record.VariantInfo) {
	info = record.VariantInfo{Name: r.variant, Runtime: r.name(), Engine: record.EngineDocker, Command: []string{"docker", "-H", "unix://" + r.engine.options.Address, "run", "--runtime", r.name()}}
	var c container.Checklist
	defer func() { info.Requirements = c.Requirements }()
	d, err := r.engine.dial()
	var found daemon.Info
	if err == nil {
		found, err = d.Info(ctx)
	}
	if !c.Add("Docker at "+r.engine.options.Address, err, found.Version, "") {
		return info
	}
	runtime, err := r.registered(found)
	c.Add("runtime "+r.name()+" registered with Docker", err, describe(runtime), `add it to "runtimes" in /etc/docker/daemon.json and reload the daemon (kill -HUP), or measure another`)
	c.Add("Docker's daemon runs as root", rootless(found), "it does", "measure a daemon that does")
	c.Add("network "+daemon.Bridge+" of Docker", bridge(ctx, d), "there", `take "bridge": "none" out of the daemon's configuration`)
	c.AddMachine()
	return info
}

// registered looks the runtime up, and remembers its program.
func (r *Runtime) registered(found daemon.Info) (daemon.Runtime, error) {
	if err := container.CheckName(r.name()); err != nil {
		return daemon.Runtime{}, err
	}
	runtime, ok := found.Runtimes[r.name()]
	if !ok {
		return runtime, fmt.Errorf("it has %s", strings.Join(found.Names(), ", "))
	}
	r.roles.SetProgram(runtime.Path)
	return runtime, nil
}

func describe(r daemon.Runtime) string {
	return strings.Join(append([]string{strings.TrimSpace(r.Type + " " + r.Path)}, r.Args...), " ")
}

func rootless(i daemon.Info) error {
	if i.Rootless {
		return fmt.Errorf("it is rootless: its containers are in namespaces and cgroups of a user's")
	}
	return nil
}

func bridge(ctx context.Context, d *daemon.Daemon) error {
	there, err := d.HasBridge(ctx)
	if err == nil && !there {
		err = fmt.Errorf("there is none, and containers would have no address")
	}
	return err
}

// Tools implements runtimes.Runtime.
func (r *Runtime) Tools(ctx context.Context) (tools []record.Tool, err error) {
	d, err := r.engine.dial()
	if err != nil {
		return nil, err
	}
	info, err := d.Info(ctx)
	if err != nil {
		return nil, err
	}
	runtime, err := r.registered(info)
	if err != nil {
		return nil, err
	}
	tools = append(tools, record.Tool{Name: "docker", Path: r.engine.options.Address, Version: info.Version})
	if runtime.Path != "" {
		tools = append(tools, programTool(runtime.Path))
	}
	more, err := r.engine.shared.Images.Tools(ctx)
	return append(tools, more...), err
}

// programTool identifies a program that the daemon would look up in its own PATH, which
// is taken to be this one's.
func programTool(program string) record.Tool {
	t := record.Tool{Name: filepath.Base(program), Path: program}
	if path, err := exec.LookPath(program); err == nil {
		t.Path = path
		t.SHA256, _ = file.Digest(path) // else it stays unsaid
	}
	return t
}
