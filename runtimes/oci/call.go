package oci

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/internal/command"
)

// call runs one command of the runtime on this thread and takes care that it
// ends. At the deadline the command's process group is killed, and so is all
// that giveUp ends.
//
// go-runc by itself would kill the command only and then wait for whoever else
// holds its output, possibly for ever. It hands out no process id either, so
// the kernel is asked for this thread's children.
func (r *Runtime) call(ctx context.Context, verb string, giveUp func(), run func(context.Context) error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid := unix.Gettid()
	before := children(tid)

	ctx, cancel := context.WithTimeoutCause(ctx, r.options.Deadline, fmt.Errorf("no end after %v", r.options.Deadline))
	defer cancel()
	done, over := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(over)
		for { // again and again: the command may just be about to fork
			for _, pid := range children(tid) {
				if !slices.Contains(before, pid) {
					unix.Kill(-pid, unix.SIGKILL)
				}
			}
			if giveUp != nil {
				giveUp()
			}
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})

	start := time.Now()
	err := run(context.WithoutCancel(ctx))
	close(done)
	if !stop() {
		<-over // nothing is killed any more once call has returned
	}
	command.Ran(ctx, append(append([]string{r.options.Path, "--root", r.root()}, r.flavour.GlobalArgs...), verb), start, err)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w (%w)", context.Cause(ctx), err)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.options.Path, verb, err)
	}
	return nil
}

// children returns the processes that a thread of this process has forked.
func children(tid int) (pids []int) {
	// CONFIG_PROC_CHILDREN, which Debian's and the other distributions' kernels have.
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", tid))
	if err != nil {
		return nil
	}
	for _, f := range strings.Fields(string(b)) {
		if pid, err := strconv.Atoi(f); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
