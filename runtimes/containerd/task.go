package containerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/anypb"

	"hapscope/runtimes/mount"
	"hapscope/runtimes/shim"
)

// specType is how containerd calls a config.json (typeurl: its packages' path, and the
// major version of the specification).
const specType = "types.containerd.io/opencontainers/runtime-spec/1/Spec"

// task is one container with its task.
type task struct {
	id     string
	client *client
	relay  *relay
	line   *line
	own    bool // the containerd goes with hapscope
}

// Create implements shim.Engine.
func (e *Engine) Create(ctx context.Context, o shim.Order) (shim.Task, error) {
	client, relay, err := e.ready(ctx)
	if err != nil {
		return nil, err
	}
	t := &task{id: o.ID, client: client, relay: relay, own: e.options.Address == ""}
	if t.line, err = t.relay.expect(o.ID, o.Shim); err != nil {
		return nil, err
	}
	return t, t.create(ctx, o)
}

func (t *task) create(ctx context.Context, o shim.Order) error {
	config, err := os.ReadFile(filepath.Join(o.Bundle.Dir, "config.json"))
	if err != nil {
		return err
	}
	return t.request(ctx, func() error {
		_, err := t.client.containers.Create(in(ctx), &containers.CreateContainerRequest{Container: &containers.Container{
			ID:   t.id,
			Spec: &anypb.Any{TypeUrl: specType, Value: config},
			// Options of the task would do as well, but containerd wants to know their type.
			Runtime: &containers.Container_Runtime{Name: t.line.standIn, Options: o.Options},
		}})
		if err != nil {
			return err
		}
		_, err = t.client.tasks.Create(in(ctx), &tasks.CreateTaskRequest{
			ContainerID: t.id, Stdout: o.Output, Stderr: o.Output,
			Rootfs: []*types.Mount{{Type: "bind", Source: o.Bundle.Rootfs, Options: []string{"rbind", "rw"}}},
		})
		return err
	})
}

// request makes one, while this thread forks the shims that containerd asks for.
func (t *task) request(ctx context.Context, f func() error) error {
	return t.client.explain(ctx, t.line.during(ctx, f))
}

// Start implements shim.Task.
func (t *task) Start(ctx context.Context) error {
	return t.request(ctx, func() error {
		_, err := t.client.tasks.Start(in(ctx), &tasks.StartRequest{ContainerID: t.id})
		return err
	})
}

// Wait implements shim.Task.
func (t *task) Wait(ctx context.Context) (uint32, error) {
	r, err := t.client.tasks.Wait(in(ctx), &tasks.WaitRequest{ContainerID: t.id})
	if err != nil {
		return 0, t.client.explain(ctx, err)
	}
	return r.ExitStatus, nil
}

// Kill implements shim.Task.
func (t *task) Kill(ctx context.Context) error {
	return t.request(ctx, func() error {
		_, err := t.client.tasks.Kill(in(ctx), &tasks.KillRequest{ContainerID: t.id, Signal: uint32(unix.SIGKILL), All: true})
		return err
	})
}

// Delete implements shim.Task. containerd runs the shim once more for that, and answers
// when it has ended.
func (t *task) Delete(ctx context.Context) error {
	return t.request(ctx, func() error {
		_, err := t.client.tasks.Delete(in(ctx), &tasks.DeleteTaskRequest{ContainerID: t.id})
		return err
	})
}

// Close implements shim.Task.
func (t *task) Close(ctx context.Context) error {
	err := t.line.during(ctx, func() error { return t.client.remove(ctx, t.id) })
	t.relay.forget(t.id)
	address, bundle := t.line.remains()
	shim.RemoveSocket(address)
	if errors.Is(err, errGone) {
		// What it has mounted would hold the root file system.
		if e := removeBundle(bundle); e != nil {
			return errors.Join(err, e)
		}
		if t.own {
			return nil // the rest goes with its directory
		}
		return fmt.Errorf("%w; the next hapscope that finds it running removes container %s in namespace %s", err, t.id, shim.Namespace)
	}
	return err
}

// removeBundle removes the bundle of a task of a containerd that has gone.
func removeBundle(dir string) error {
	if dir == "" {
		return nil
	}
	if err := mount.RemoveBelow(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
