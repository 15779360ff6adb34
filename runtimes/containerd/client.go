package containerd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/services/namespaces/v1"
	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/services/version/v1"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"hapscope/runtimes"
	"hapscope/runtimes/shim"
)

// client is a connection to a containerd.
type client struct {
	address    string
	conn       *grpc.ClientConn
	containers containers.ContainersClient
	tasks      tasks.TasksClient
}

// dial sets a client up. It connects when something is asked.
func dial(address string) (*client, error) {
	conn, err := grpc.NewClient("unix:"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("containerd at %s: %w", address, err)
	}
	return &client{address, conn, containers.NewContainersClient(conn), tasks.NewTasksClient(conn)}, nil
}

// in says in which namespace something is asked.
func in(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "containerd-namespace", shim.Namespace)
}

// errGone is when containerd does not answer any more.
var errGone = errors.New("containerd has gone")

// explain makes an error of an answer.
func (c *client) explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case expires(ctx) && slices.Contains([]codes.Code{codes.Canceled, codes.DeadlineExceeded}, status.Code(err)):
		return context.DeadlineExceeded
	case status.Code(err) == codes.Unavailable:
		err = fmt.Errorf("%w: %s: %s", errGone, c.address, status.Convert(err).Message())
		return runtimes.WithRemedy(err, "see containerd's log (journalctl -u containerd, where systemd runs it)")
	}
	return fmt.Errorf("containerd: %s", status.Convert(err).Message())
}

// expires reports whether a deadline is about to pass. containerd is told of it, and may
// look at its clock first.
func expires(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < time.Second
}

func (c *client) version(ctx context.Context) (string, error) {
	v, err := version.NewVersionClient(c.conn).Version(ctx, &emptypb.Empty{})
	if err != nil {
		return "", c.explain(ctx, err)
	}
	return v.Version, nil
}

// removeNamespace removes ours, unless something is in it. There is none as long as no
// sandbox was made.
func (c *client) removeNamespace() error {
	ctx, cancel := context.WithTimeout(context.Background(), removeDeadline)
	defer cancel()
	_, err := namespaces.NewNamespacesClient(c.conn).Delete(ctx, &namespaces.DeleteNamespaceRequest{Name: shim.Namespace})
	switch status.Code(err) {
	case codes.NotFound, codes.FailedPrecondition:
		return nil
	}
	return c.explain(ctx, err)
}

// removeDeadline bounds the removal of what containerd has of a sandbox whose processes
// are gone. containerd itself gives its shims 5 seconds for it (1.6 to 2.2: the timeout
// io.containerd.timeout.shim.cleanup).
const removeDeadline = time.Minute

// removePause is between two attempts.
const removePause = 100 * time.Millisecond

// remove removes a task and its container. The shim has ended: containerd learns it at
// that moment, and then cleans up by itself.
func (c *client) remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, removeDeadline)
	defer cancel()
	for {
		_, err := c.tasks.Delete(in(ctx), &tasks.DeleteTaskRequest{ContainerID: id})
		if err == nil || status.Code(err) == codes.NotFound {
			break
		}
		if err := c.explain(ctx, err); errors.Is(err, errGone) || ctx.Err() != nil {
			return fmt.Errorf("remove task %s: %w", id, err)
		}
		// A container that has not ended cannot be deleted.
		c.tasks.Kill(in(ctx), &tasks.KillRequest{ContainerID: id, Signal: uint32(unix.SIGKILL), All: true})
		time.Sleep(removePause)
	}
	_, err := c.containers.Delete(in(ctx), &containers.DeleteContainerRequest{ID: id})
	if err != nil && status.Code(err) != codes.NotFound {
		return fmt.Errorf("remove container %s: %w", id, c.explain(ctx, err))
	}
	return nil
}

// peer is the process that listens at an address; the error is plainer than gRPC's.
func peer(address string) (pid int, err error) {
	conn, err := net.DialTimeout("unix", address, versionDeadline)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var e error
	err = raw.Control(func(fd uintptr) { cred, e = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(err, e); err != nil {
		return 0, err
	}
	return int(cred.Pid), nil
}
