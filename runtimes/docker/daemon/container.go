package daemon

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/pkg/stdcopy"

	shared "hapscope/runtimes/container"
	"hapscope/runtimes/file"
)

// Bridge is the network that a container gets where nobody says otherwise.
const Bridge = "bridge"

// Container is what is to be created. Everything that is not named here is the daemon's
// default, because that is what people run.
type Container struct {
	Name         string
	Image        string
	Runtime      string
	CgroupParent string
	Label        string
	Args         []string // the image's own entry point is not used
	Env          []string
	Cwd          string
	Files        map[string]string // absolute path → content, added to the image's files
}

// Create makes a container. No process of it is there afterwards.
func (d *Daemon) Create(ctx context.Context, c Container) (id string, err error) {
	made, err := d.client.ContainerCreate(ctx, &container.Config{
		Image: c.Image, Entrypoint: c.Args[:1], Cmd: c.Args[1:], Env: c.Env, WorkingDir: c.Cwd,
		User: "0:0", Labels: map[string]string{c.Label: "1"},
	}, &container.HostConfig{
		Runtime: c.Runtime, NetworkMode: Bridge, Resources: container.Resources{CgroupParent: c.CgroupParent},
	}, nil, nil, c.Name)
	if err != nil {
		return "", d.explain("create container "+c.Name, err)
	}
	if len(c.Files) > 0 {
		if err := d.client.CopyToContainer(ctx, made.ID, "/", file.Archive(c.Files), container.CopyToContainerOptions{}); err != nil {
			return made.ID, d.explain("add files to container "+c.Name, err)
		}
	}
	return made.ID, nil
}

// Start has the daemon start a container's process.
func (d *Daemon) Start(ctx context.Context, id string) error {
	return d.explain("start the container", d.client.ContainerStart(ctx, id, container.StartOptions{}))
}

// Inspect asks how a container is.
func (d *Daemon) Inspect(ctx context.Context, id string) (s shared.State, err error) {
	r, err := d.client.ContainerInspect(ctx, id)
	if err != nil {
		return s, d.explain("inspect the container", err)
	}
	if r.State != nil {
		s = shared.State{PID: r.State.Pid, Running: r.State.Running, ExitCode: r.State.ExitCode}
	}
	if r.NetworkSettings != nil {
		for _, n := range r.NetworkSettings.Networks {
			if n != nil && n.IPAddress != "" {
				s.Address = n.IPAddress
			}
		}
	}
	return s, nil
}

// tailLines is how much of a container's output is worth showing in a message.
const tailLines = "40"

// Output is the end of what a container has printed.
func (d *Daemon) Output(ctx context.Context, id string) string {
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	r, err := d.client.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: tailLines})
	if err != nil {
		return "" // a logging driver that cannot be read
	}
	defer r.Close()
	var b bytes.Buffer
	stdcopy.StdCopy(&b, &b, r) // what came is what there is
	return strings.TrimSpace(b.String())
}

// Kill ends a container's processes, and waits until the daemon has noticed.
func (d *Daemon) Kill(ctx context.Context, id string) error {
	ended, failed := d.client.ContainerWait(ctx, id, container.WaitConditionNotRunning)
	if err := d.client.ContainerKill(ctx, id, "KILL"); err != nil {
		return d.explain("kill the container", err)
	}
	select {
	case <-ended:
		return nil
	case err := <-failed:
		return d.explain("wait for the end of the container", err)
	}
}

// Remove removes a container, by force where that is needed. One that is not there is no
// error.
func (d *Daemon) Remove(ctx context.Context, id string) error {
	err := d.client.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || missing(err) {
		return nil
	}
	if strings.Contains(err.Error(), "already in progress") { // another request removes it
		return d.awaitRemoved(ctx, id)
	}
	return d.explain("remove the container", err)
}

func (d *Daemon) awaitRemoved(ctx context.Context, id string) error {
	for {
		if _, err := d.client.ContainerInspect(ctx, id); missing(err) {
			return nil
		} else if err != nil {
			return d.explain("wait for the removal of the container", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Labelled lists the containers, running or not, that carry a label.
func (d *Daemon) Labelled(ctx context.Context, label string) (names map[string]string, err error) {
	list, err := d.client.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", label))})
	if err != nil {
		return nil, d.explain("list containers", err)
	}
	names = map[string]string{}
	for _, c := range list {
		names[c.ID] = strings.TrimPrefix(strings.Join(c.Names, ","), "/")
	}
	return names, nil
}

// HasBridge reports whether containers get an address on the default bridge.
func (d *Daemon) HasBridge(ctx context.Context) (bool, error) {
	_, err := d.client.NetworkInspect(ctx, Bridge, network.InspectOptions{})
	if missing(err) {
		return false, nil
	}
	return err == nil, d.explain("inspect the network "+Bridge, err)
}
