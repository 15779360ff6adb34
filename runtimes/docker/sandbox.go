package docker

import (
	"context"
	"fmt"
	"path/filepath"

	"hapscope/runtimes"
	"hapscope/runtimes/container"
	"hapscope/runtimes/docker/daemon"
	"hapscope/runtimes/images"
)

// made is one container of the daemon's.
type made struct {
	runtime *Runtime
	spec    runtimes.Spec
	daemon  *daemon.Daemon
	parent  string // --cgroup-parent
	id      string // "" until it is there
}

var _ container.Engine = (*made)(nil)

// Create implements runtimes.Runtime.
func (r *Runtime) Create(ctx context.Context, spec runtimes.Spec) (runtimes.Sandbox, error) {
	s, err := container.Create(ctx, spec, &made{runtime: r, spec: spec}, &r.roles)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Place implements container.Engine.
func (m *made) Place(ctx context.Context) (p container.Place, err error) {
	if m.daemon, err = m.runtime.engine.dial(); err != nil {
		return p, err
	}
	info, err := m.daemon.Info(ctx)
	if err != nil {
		return p, err
	}
	if _, err := m.runtime.registered(info); err != nil {
		return p, fmt.Errorf("runtime %s is not registered with Docker any more: %w", m.runtime.name(), err)
	}
	m.parent, p.Dir = placement(info, m.spec.ID)
	p.Daemon, p.Unentered = true, m.parent == ""
	if info.CgroupV2 && info.CgroupDriver == driverSystemd {
		p.Release = func(ctx context.Context) error { return releaseSlice(ctx, m.parent) }
	}
	return p, nil
}

// placement is the cgroup parent that a daemon is given, and where that is below the root
// of the unified hierarchy. A daemon that uses cgroup v1 is given none: it would leave it
// behind in each of the hierarchies.
func placement(i daemon.Info, id string) (parent, dir string) {
	switch {
	case !i.CgroupV2:
		return "", filepath.Join(container.Parent, id)
	case i.CgroupDriver == driverSystemd:
		parent = sliceOf(id)
		return parent, filepath.Join("/", allSlices, parent)
	}
	parent = filepath.Join(container.Parent, id)
	return parent, parent
}

// Create implements container.Engine.
func (m *made) Create(ctx context.Context) error {
	image, err := m.runtime.engine.shared.Images.Reference(m.spec)
	if err != nil {
		return err
	}
	p := images.Process(m.spec)
	m.id, err = m.daemon.Create(ctx, daemon.Container{
		Name: container.Name(m.spec.ID), Image: image, Runtime: m.runtime.name(), CgroupParent: m.parent, Label: container.Label,
		Args: p.Args, Env: p.Env, Cwd: p.Cwd, Files: p.Files,
	})
	return err
}

// Start implements container.Engine.
func (m *made) Start(ctx context.Context) error { return m.daemon.Start(ctx, m.id) }

// State implements container.Engine.
func (m *made) State(ctx context.Context) (container.State, error) {
	return m.daemon.Inspect(ctx, m.id)
}

// Output implements container.Engine.
func (m *made) Output() string {
	if m.id == "" {
		return ""
	}
	return m.daemon.Output(context.Background(), m.id)
}

// Kill implements container.Engine.
func (m *made) Kill(ctx context.Context) error { return m.daemon.Kill(ctx, m.id) }

// Remove implements container.Engine.
func (m *made) Remove(ctx context.Context) error {
	if m.id == "" {
		return nil
	}
	return m.daemon.Remove(ctx, m.id)
}
