package policy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/collectors/internal/task"
	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
)

// Read reads what the kernel holds every task of a cgroup to, descendants included.
// Tasks of the kernel are left out, because they make no system calls, and so are those
// that end meanwhile.
func Read(ctx context.Context, dir string) (held []collectors.Held, err error) {
	tids, err := cgroup.Threads(dir)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return readAll(ctx, tids)
}

// readAll reads tasks on a thread of its own, which ends afterwards: the kernel then
// lets go whatever is still attached to it, also after an error or a panic.
func readAll(ctx context.Context, tids []int) (held []collectors.Held, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked
		held, err = read(ctx, tids)
	}()
	<-done
	return held, err
}

func read(ctx context.Context, tids []int) (held []collectors.Held, err error) {
	own, err := namespaces(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("read hapscope's own namespaces: %w", err)
	}
	judge := judge{known: map[string]judged{}}
	for _, tid := range tids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := readTask(ctx, tid, own, &judge)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read policy of task %d: %w", tid, err)
		}
		held = append(held, *h)
	}
	return held, nil
}

// errGone says that a task is none that makes system calls (any more).
var errGone = errors.New("the task has ended or is the kernel's")

func gone(err error) bool {
	return errors.Is(err, errGone) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH)
}

func readTask(ctx context.Context, tid int, host map[string]string, judge *judge) (*collectors.Held, error) {
	h := &collectors.Held{Thread: task.Identify(tid)}
	if h.Thread.Ended || h.Thread.Kernel {
		return nil, errGone
	}
	s, err := readStatus(tid)
	if err != nil {
		return nil, err
	}
	h.Confinement = s.Confinement
	if h.LSM, err = label(tid); err != nil {
		return nil, err
	}
	if h.Shared, err = shared(tid, host); err != nil {
		return nil, err
	}
	look, err := stopAndLook(ctx, tid, h.Seccomp == record.SeccompFilter)
	if err != nil {
		if _, again := readStatus(tid); gone(err) || gone(again) {
			return nil, errGone
		}
		h.Unread = s.explain(err)
		return h, judge.withoutFilters(h)
	}
	h.Thread.VCPU = look.vcpu
	if look.bits32 {
		h.Unread = "it runs 32-bit code, whose system calls have other numbers"
		return h, nil
	}
	return h, judge.decide(h, look.filters)
}
