package oci

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// reap waits for the dead processes of a sandbox whose parent this process has become,
// which it does where it is a subreaper, and until somebody else has waited for the
// sandbox's first one: runsc takes a process that is dead but not waited for to be
// running, and does not delete its sandbox.
func (s *sandbox) reap(ctx context.Context, members []int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.runtime.options.Deadline, errors.New("nobody waits for it"))
	defer cancel()
	for {
		for _, pid := range members {
			unix.Wait4(pid, nil, unix.WNOHANG, nil) // ECHILD: it is somebody else's
		}
		if errors.Is(unix.Kill(s.pid, 0), unix.ESRCH) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d of the sandbox is dead, but still there: %w", s.pid, context.Cause(ctx))
		case <-time.After(2 * time.Millisecond):
		}
	}
}
