package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
)

// guardInterval is how often the monitor is looked for until it is there, and how late
// the end of a guard is noticed. Nobody is asked: it is read who is in a cgroup, and
// what files they have open.
const guardInterval = 200 * time.Millisecond

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

// guarded runs a request, and ends it when the sandbox's monitor ends, once there is
// one.
func (s *sandbox) guarded(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil) // the guard notices soon, and nobody waits for it: this is being timed
	go func() {
		if monitorEnds(ctx, s.cgroup) {
			cancel(errMonitorGone)
		}
	}()
	err := request(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errMonitorGone) {
		return errMonitorGone
	}
	return err
}

// monitorEnds waits until there is a monitor in a cgroup and ends, or until ctx ends.
func monitorEnds(ctx context.Context, dir string) bool {
	for {
		pid, err := findMonitor(dir)
		if err == nil {
			return processEnds(ctx, pid)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(guardInterval):
		}
	}
}

// processEnds waits until a process ends, or until ctx ends.
func processEnds(ctx context.Context, pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return errors.Is(err, unix.ESRCH)
	}
	defer unix.Close(fd)
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(guardInterval.Milliseconds()))
		if n > 0 {
			return ctx.Err() == nil
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
	}
	return false
}
