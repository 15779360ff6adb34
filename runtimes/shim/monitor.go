package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes/process"
)

// guardInterval is how often the monitor is looked for until it is there. Nobody is asked: it is read who is in a cgroup, and
// what files they have open.
const guardInterval = 200 * time.Millisecond

// lastWords is how long a request may go on when the monitor has ended. A shim that
// gives up, because an answer of the guest's was late, ends the monitor before it says so,
// and then that is why it ended; under tracing it takes seconds to clean up in between.
const lastWords = 20 * time.Second

// errMonitorGone ends requests: Kata's shim goes on asking the agent of a machine that
// is no more.
var errMonitorGone = errors.New("the monitor has ended: the virtual machine is gone")

// errNoMonitor is when nobody has a virtual machine.
var errNoMonitor = errors.New("no virtual machine")

// findMonitor looks for the process that has the virtual machine.
func findMonitor(dir string) (pid int, err error) {
	pids, err := cgroup.Processes(dir)
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range fds {
			if target, _ := os.Readlink(fd); target == "anon_inode:kvm-vm" {
				return pid, nil
			}
		}
	}
	return 0, fmt.Errorf("%w: none of the processes %v in cgroup %s has one", errNoMonitor, pids, dir)
}

// guarded runs a request, and ends it lastWords after the sandbox's monitor ends, once
// there is one.
func (s *sandbox) guarded(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil) // the guard notices soon, and nobody waits for it: this is being timed
	var gone atomic.Bool
	go func() {
		if !monitorEnds(ctx, s.cgroup) {
			return
		}
		gone.Store(true)
		select {
		case <-ctx.Done():
		case <-time.After(lastWords):
			cancel(errMonitorGone)
		}
	}()
	err := request(ctx)
	waited := errors.Is(context.Cause(ctx), errMonitorGone) || gone.Load() && errors.Is(ctx.Err(), context.DeadlineExceeded)
	if err != nil && waited {
		return errMonitorGone
	}
	return err
}

// monitorEnds waits until there is a monitor in a cgroup and ends, or until ctx ends.
func monitorEnds(ctx context.Context, dir string) bool {
	for {
		pid, err := findMonitor(dir)
		if err == nil {
			return process.Ends(ctx, pid)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(guardInterval):
		}
	}
}
