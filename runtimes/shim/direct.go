package shim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	task "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/ttrpc"
	"golang.org/x/sys/unix"

	"hapscope/internal/command"
	"hapscope/record"
)

// direct is the engine without a containerd: the shim is called and asked as containerd
// would.
type direct struct{}

var _ Engine = direct{}

func (direct) Name() string                                  { return "shim-v2" }
func (direct) Check(context.Context) []record.Requirement    { return nil }
func (direct) Tools(context.Context) ([]record.Tool, error)  { return nil, nil }
func (direct) Prepare(context.Context) (func() error, error) { return func() error { return nil }, nil }

// directTask is a task of it. Fields are set as far as it got.
type directTask struct {
	id      string
	address string // of the shim
	client  *ttrpc.Client
	service task.TaskService
}

// Create implements Engine.
func (direct) Create(ctx context.Context, o Order) (Task, error) {
	t := &directTask{id: o.ID}
	return t, t.create(ctx, o)
}

func (t *directTask) create(ctx context.Context, o Order) (err error) {
	// containerd makes a pipe of it; nobody is to read meanwhile.
	if err := os.WriteFile(filepath.Join(o.Bundle.Dir, logFile), nil, 0o600); err != nil {
		return err
	}
	if t.address, err = launch(ctx, o); err != nil {
		return err
	}
	conn, err := dial(ctx, t.address)
	if err != nil {
		return fmt.Errorf("reach the shim: %w", err)
	}
	t.client = ttrpc.NewClient(conn)
	t.service = task.NewTaskClient(t.client)
	_, err = t.service.Create(ctx, &task.CreateTaskRequest{
		ID: t.id, Bundle: o.Bundle.Dir, Stdout: o.Output, Stderr: o.Output, Options: o.Options,
	})
	return err
}

// launch has the shim start its daemon and returns the daemon's address.
func launch(ctx context.Context, o Order) (string, error) {
	var out, stderr bytes.Buffer
	c := exec.CommandContext(ctx, o.Shim,
		"-namespace", Namespace, "-id", o.ID, "-address", "/none", "-publish-binary", "/bin/true", "start")
	c.Dir, c.Stdout, c.Stderr = o.Bundle.Dir, &out, &stderr
	c.Env = slices.DeleteFunc(Environment(os.Environ()), func(e string) bool {
		return strings.HasPrefix(e, "TTRPC_ADDRESS=") // of a containerd that wants its events
	})
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	defer command.Log(ctx, c)()
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("%s start: %w: %s", o.Shim, err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// Environment leaves out what would change what a shim does: by KATA_CONF_FILE it can
// be told a configuration, which the Rust shim prefers to that of the request.
func Environment(env []string) []string {
	return slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, "KATA_CONF_FILE=") })
}

// dial connects to a shim. Older ones listen on an abstract socket and say only its
// name.
func dial(ctx context.Context, address string) (net.Conn, error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		address = path
	} else {
		address = "\x00" + address
	}
	return new(net.Dialer).DialContext(ctx, "unix", address)
}

// Start implements Task.
func (t *directTask) Start(ctx context.Context) error {
	_, err := t.service.Start(ctx, &task.StartRequest{ID: t.id})
	return err
}

// Wait implements Task.
func (t *directTask) Wait(ctx context.Context) (uint32, error) {
	exit, err := t.service.Wait(ctx, &task.WaitRequest{ID: t.id})
	if err != nil {
		return 0, err
	}
	return exit.ExitStatus, nil
}

// Kill implements Task.
func (t *directTask) Kill(ctx context.Context) error {
	_, err := t.service.Kill(ctx, &task.KillRequest{ID: t.id, Signal: uint32(unix.SIGKILL), All: true})
	return err
}

// Delete implements Task.
func (t *directTask) Delete(ctx context.Context) error {
	if _, err := t.service.Delete(ctx, &task.DeleteRequest{ID: t.id}); err != nil {
		return err
	}
	// The shim ends while it answers.
	if _, err := t.service.Shutdown(ctx, &task.ShutdownRequest{ID: t.id}); err != nil && !errors.Is(err, ttrpc.ErrClosed) {
		return err
	}
	return nil
}

// Close implements Task.
func (t *directTask) Close(context.Context) error {
	if t.client != nil {
		t.client.Close()
	}
	RemoveSocket(t.address)
	return nil
}

// RemoveSocket removes the socket of a shim that was killed; there or not.
func RemoveSocket(address string) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		os.Remove(path)
	}
}
