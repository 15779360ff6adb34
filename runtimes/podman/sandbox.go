package podman

import (
	"context"
	"path/filepath"
	"strings"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes"
	"hapscope/runtimes/container"
	"hapscope/runtimes/file"
	"hapscope/runtimes/images"
)

// unifiedMount is where the unified hierarchy is that runtimes use.
const unifiedMount = "/sys/fs/cgroup"

// made is one container of Podman's.
type made struct {
	runtime *Runtime
	spec    runtimes.Spec
	parent  string // --cgroup-parent
}

var _ container.Engine = (*made)(nil)

func (m *made) name() string { return container.Name(m.spec.ID) }

// Create implements runtimes.Runtime.
func (r *Runtime) Create(ctx context.Context, spec runtimes.Spec) (runtimes.Sandbox, error) {
	s, err := container.Create(ctx, spec, &made{runtime: r, spec: spec}, &r.roles)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Place implements container.Engine.
func (m *made) Place(context.Context) (container.Place, error) {
	dir := filepath.Join(container.Parent, m.spec.ID)
	root, err := cgroup.Root()
	if err != nil {
		return container.Place{}, err
	}
	if root == unifiedMount { // with cgroup v1 it would be left behind in each hierarchy
		m.parent = dir
	}
	return container.Place{Dir: dir, Unentered: m.parent == ""}, nil
}

// Create implements container.Engine.
func (m *made) Create(ctx context.Context) error {
	image, err := m.runtime.manager.shared.Images.Reference(m.spec)
	if err != nil {
		return err
	}
	p := images.Process(m.spec)
	args := []string{
		"--runtime", m.runtime.name(), "create", "--pull", "never", "--name", m.name(), "--label", container.Label + "=1",
		"--user", "0:0", "--workdir", p.Cwd, "--entrypoint", p.Args[0],
	}
	if m.parent != "" {
		args = append(args, "--cgroup-parent", m.parent)
	}
	args = append(args, ulimits()...)
	for _, v := range p.Env {
		args = append(args, "--env", v)
	}
	if _, err := run(ctx, nil, append(append(args, image), p.Args[1:]...)...); err != nil {
		return err
	}
	if len(p.Files) == 0 {
		return nil
	}
	_, err = aside(ctx, file.Archive(p.Files), "cp", "-", m.name()+":/")
	return err
}

// Start implements container.Engine.
func (m *made) Start(ctx context.Context) error {
	_, err := run(ctx, nil, "--runtime", m.runtime.name(), "start", m.name())
	return err
}

// State implements container.Engine.
func (m *made) State(ctx context.Context) (container.State, error) { return inspect(ctx, m.name()) }

// Output implements container.Engine.
func (m *made) Output() string {
	ctx, cancel := context.WithTimeout(context.Background(), answerDeadline)
	defer cancel()
	text, _ := aside(ctx, nil, "logs", "--tail", "40", m.name()) // there may be none
	return strings.TrimSpace(text)
}

// Kill implements container.Engine.
func (m *made) Kill(ctx context.Context) error {
	_, err := run(ctx, nil, "kill", "--signal", "KILL", m.name())
	return err
}

// Remove implements container.Engine.
func (m *made) Remove(ctx context.Context) error {
	_, err := run(ctx, nil, "rm", "--force", "--ignore", "--time", "0", m.name())
	return err
}
