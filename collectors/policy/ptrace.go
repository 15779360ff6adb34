package policy

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"hapscope/collectors/policy/filter"
)

// look is what is seen of a task while it is stopped.
type look struct {
	vcpu    bool     // it is in KVM_RUN
	bits32  bool     // it runs 32-bit code
	filters [][]byte // the first one installed first
}

const (
	// stopDeadline is how long a task may take to stop. One that sleeps where it cannot
	// be interrupted does not stop before it wakes up.
	stopDeadline = 5 * time.Second
	stopPoll     = 200 * time.Microsecond

	// user32 is the code segment of 32-bit programs (__USER32_CS, asm/segment.h).
	user32 = 0x23
	// kvmRun is the ioctl by which a thread becomes a virtual CPU (linux/kvm.h).
	kvmRun = 0xae80
	// maxFilters bounds the chain; the kernel's own bound is 32768 instructions in all.
	maxFilters = 8192
)

// stopAndLook attaches to a task, stops it, looks, and lets it go. It must be called on
// a locked thread, of which the task becomes a tracee meanwhile.
func stopAndLook(ctx context.Context, tid int, filtered bool) (l look, err error) {
	if err := unix.PtraceSeize(tid); err != nil {
		return l, fmt.Errorf("attach: %w", err)
	}
	if err := unix.PtraceInterrupt(tid); err != nil {
		return l, fmt.Errorf("interrupt: %w", err)
	}
	signal, err := stopped(ctx, tid)
	if err != nil {
		return l, err
	}
	l, err = seen(tid, filtered)
	return l, errors.Join(err, detach(tid, signal))
}

// stopped waits until the task has stopped, and returns the signal that it was about to
// be given: whoever detaches has to hand it on.
func stopped(ctx context.Context, tid int) (signal unix.Signal, err error) {
	for end := time.Now().Add(stopDeadline); ; time.Sleep(stopPoll) {
		var status unix.WaitStatus
		got, err := unix.Wait4(tid, &status, unix.WALL|unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait: %w", err)
		case got == tid && !status.Stopped():
			return 0, errGone
		case got == tid && int(status)>>16 == unix.PTRACE_EVENT_STOP:
			return 0, nil
		case got == tid:
			return status.StopSignal(), nil
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("it did not stop within %v: %w", stopDeadline, unix.EBUSY)
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
}

func seen(tid int, filtered bool) (l look, err error) {
	var r unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &r); err != nil {
		return l, fmt.Errorf("read the registers: %w", err)
	}
	l.bits32 = r.Cs == user32
	l.vcpu = r.Orig_rax == unix.SYS_IOCTL && uint32(r.Rsi) == kvmRun
	if !filtered {
		return l, nil
	}
	if l.filters, err = filters(tid); err != nil {
		return l, err
	}
	return l, spare(tid, &r, l.filters)
}

// spare keeps a task from being killed for having been interrupted. Some calls that
// sleep for a time go on afterwards by another one, restart_syscall (nanosleep, poll,
// futex: all that return -ERESTART_RESTARTBLOCK), and narrow policies deny that. Such a
// call is made to return EINTR instead, as after a signal.
func spare(tid int, r *unix.PtraceRegs, filters [][]byte) error {
	if int64(r.Rax) != -restartBlock || int64(r.Orig_rax) < 0 {
		return nil
	}
	chain, err := parse(filters)
	if err == nil {
		if j, err := filter.New(chain).Judge(filter.AMD64, unix.SYS_RESTART_SYSCALL); err == nil && j.Verdict == filter.Allowed {
			return nil
		}
	}
	eintr := -int64(unix.EINTR)
	r.Rax = uint64(eintr)
	if err := unix.PtraceSetRegs(tid, r); err != nil {
		return fmt.Errorf("write the registers: %w", err)
	}
	return nil
}

// restartBlock is ERESTART_RESTARTBLOCK (linux/errno.h), which no program sees.
const restartBlock = 516

// filters reads all seccomp filters of a stopped task.
func filters(tid int) (all [][]byte, err error) {
	for i := range maxFilters {
		n, err := getFilter(tid, i, nil)
		if errors.Is(err, unix.ENOENT) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read filter %d: %w", i, err)
		}
		b := make([]byte, n*instructionSize)
		if _, err = getFilter(tid, i, b); err != nil {
			return nil, fmt.Errorf("read filter %d: %w", i, err)
		}
		all = append(all, b)
	}
	return nil, fmt.Errorf("more than %d filters", maxFilters)
}

// instructionSize is the size of struct sock_filter in bytes.
const instructionSize = 8

// getFilter is PTRACE_SECCOMP_GET_FILTER. It returns the number of instructions, and
// writes them to b unless that is empty.
func getFilter(tid, index int, b []byte) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SECCOMP_GET_FILTER, uintptr(tid), uintptr(index), uintptr(unsafe.Pointer(unsafe.SliceData(b))), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	if n == 0 || n > 4096 {
		return 0, fmt.Errorf("a filter of %d instructions", n)
	}
	return int(n), nil
}

func detach(tid int, signal unix.Signal) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(tid), 0, uintptr(signal), 0, 0)
	if errno != 0 && errno != unix.ESRCH {
		return fmt.Errorf("detach: %w", errno)
	}
	return nil
}
