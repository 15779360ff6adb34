package podman

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/container"
	"hapscope/runtimes/file"
	"hapscope/runtimes/images"
	"hapscope/runtimes/oci"
)

const (
	// Prefix begins the names of variants.
	Prefix = "podman-"
	// Engine is how records call it.
	Engine = "podman"
	// stateDir is there while Podman is used, for the next hapscope to find.
	stateDir = "/run/hapscope/podman"
)

// Options say what runs in containers.
type Options struct{ Images images.Options }

// Manager is Podman, for all of its runtimes.
type Manager struct{ shared container.Provision }

// NewEngine returns it. It asks nobody anything.
func NewEngine(o Options) *Manager {
	return &Manager{container.Provision{Images: images.New(store{}, o.Images), Dir: stateDir}}
}

// Variants asks Podman for its default runtime, and for those that hapscope knows: it
// lists none. Each that it finds is a variant.
func (*Manager) Variants(ctx context.Context) (names []string, err error) {
	if _, err := exec.LookPath(binary); err != nil {
		return nil, runtimes.WithRemedy(err, "apt-get install podman")
	}
	usual, err := ociRuntime(ctx, "")
	if err != nil {
		return nil, err
	}
	found := map[string]bool{usual.Name: usual.Name != ""}
	for _, f := range oci.Flavours() {
		if f.Unikernel == nil && !found[f.Binary] {
			r, err := ociRuntime(ctx, f.Binary)
			found[f.Binary] = err == nil && r.Name != ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if found[name] {
			names = append(names, Prefix+name)
		}
	}
	return names, nil
}

// Sweep removes what a killed hapscope has left with Podman.
func Sweep(ctx context.Context) (removed []string, err error) {
	if _, err := os.Stat(stateDir); err != nil {
		return nil, nil
	}
	text, err := run(ctx, nil, "ps", "--all", "--filter", "label="+container.Label, "--format", "{{.Names}}")
	if err != nil {
		return nil, fmt.Errorf("sweep podman: %w", err)
	}
	for _, name := range strings.Fields(text) {
		if _, e := run(ctx, nil, "rm", "--force", "--time", "0", name); e != nil {
			err = errors.Join(err, e)
			continue
		}
		removed = append(removed, "container "+name+" of podman")
	}
	if err != nil {
		return removed, fmt.Errorf("sweep podman: %w", err)
	}
	return removed, os.RemoveAll(stateDir)
}

// Runtime starts sandboxes with one runtime of Podman's.
type Runtime struct {
	variant string
	manager *Manager
	roles   container.Roles
}

var (
	_ runtimes.Runtime  = (*Runtime)(nil)
	_ runtimes.Preparer = (*Runtime)(nil)
)

// New returns the runtime of a variant, whose name begins with Prefix.
func New(variant string, m *Manager) *Runtime {
	own := map[string]record.Role{binary: record.RoleRuntime}
	return &Runtime{variant: variant, manager: m, roles: container.Roles{More: own}}
}

// Variant implements runtimes.Runtime.
func (r *Runtime) Variant() string { return r.variant }

func (r *Runtime) name() string { return strings.TrimPrefix(r.variant, Prefix) }

// Prepare implements runtimes.Preparer.
func (r *Runtime) Prepare(ctx context.Context) (func() error, error) {
	return r.manager.shared.Prepare(ctx)
}

// Sweep implements runtimes.Runtime.
func (r *Runtime) Sweep(ctx context.Context) ([]string, error) { return Sweep(ctx) }

// Role implements runtimes.Runtime.
func (r *Runtime) Role(t record.Thread) record.Role {
	if t.Process == binary { // a thread of the command, whose name is hidden
		return record.RoleRuntime
	}
	return r.roles.Of(t)
}

// Check implements runtimes.Runtime.
func (r *Runtime) Check(ctx context.Context) (info record.VariantInfo) {
	info = record.VariantInfo{Name: r.variant, Runtime: r.name(), Engine: Engine, Command: []string{binary, "--cgroup-manager=cgroupfs", "--runtime", r.name()}}
	var c container.Checklist
	defer func() { info.Requirements = c.Requirements }()
	path, err := exec.LookPath(binary)
	if !c.Add("podman in PATH", err, path, "apt-get install podman") {
		return info
	}
	found, err := r.find(ctx)
	c.Add("runtime "+r.name()+" of Podman", err, strings.TrimSpace(found.Path+" "+found.Version), "install it where containers.conf(5) has it looked for, or measure another")
	c.AddMachine(oci.CapabilitiesOf(found.Path)...)
	return info
}

func (r *Runtime) find(ctx context.Context) (found struct{ Name, Path, Version string }, err error) {
	if err := container.CheckName(r.name()); err != nil {
		return found, err
	}
	if found, err = ociRuntime(ctx, r.name()); err != nil {
		return found, err
	}
	r.roles.SetProgram(found.Path)
	return found, nil
}

// Tools implements runtimes.Runtime.
func (r *Runtime) Tools(ctx context.Context) (tools []record.Tool, err error) {
	found, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	version, err := aside(ctx, nil, "version", "--format", "{{.Client.Version}}")
	if err != nil {
		return nil, err
	}
	for _, t := range []record.Tool{{Name: binary, Path: binary, Version: version}, {Name: filepath.Base(found.Path), Path: found.Path, Version: found.Version}} {
		if t.Path, err = exec.LookPath(t.Path); err != nil {
			return nil, err
		}
		if t.SHA256, err = file.Digest(t.Path); err != nil {
			return nil, fmt.Errorf("digest %s: %w", t.Path, err)
		}
		tools = append(tools, t)
	}
	more, err := r.manager.shared.Images.Tools(ctx)
	return append(tools, more...), err
}
