//go:build lab

package labtest

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
)

// tenderCalls is how often a tender makes each of its calls, and how many children it
// makes; getsid is what each child calls once.
const tenderCalls, tenderChildren = 200, 5

// Sided is what a tender calls in one round on either side of its filters, and how often.
type Sided struct{ Unconfined, Confined map[string]uint64 }

// tenderRounds lists it, for the rounds after the first, which only begins.
func tenderRounds() []Sided {
	return []Sided{
		{map[string]uint64{"getppid": tenderCalls, "sched_rr_get_interval": tenderCalls},
			map[string]uint64{"getpgrp": tenderCalls, "sched_rr_get_interval": tenderCalls, "getsid": tenderChildren}},
		{map[string]uint64{"getpgid": tenderCalls},
			map[string]uint64{"getppid": tenderCalls, "sched_get_priority_max": tenderCalls}},
	}
}

// tender serves the role Tender, on changing CPUs, with calls that nothing of Go makes.
// First one thread gives itself a filter, as a tender does, and has children. In the next
// round it has all others of its process held as well.
func tender() error {
	runtime.LockOSThread()
	round := 0
	return exercise.Serve(os.Stdin, os.Stdout, func() error {
		round++
		switch round {
		case 2:
			return errors.Join(
				hop(unix.SYS_GETPPID, unix.SYS_SCHED_RR_GET_INTERVAL), Install(allowAll(), 0),
				hop(unix.SYS_GETPGRP, unix.SYS_SCHED_RR_GET_INTERVAL), exercise.Exercise{Forks: tenderChildren}.Run())
		case 3:
			return errors.Join(hop(unix.SYS_GETPPID), another(unix.SYS_GETPGID, unix.SYS_SCHED_GET_PRIORITY_MAX, func() error {
				return Install(allowAll(), unix.SECCOMP_FILTER_FLAG_TSYNC)
			}))
		}
		return nil
	})
}

// another makes calls on another thread before and after the calling one does something.
func another(before, after uintptr, f func() error) error {
	ready, ran, done := make(chan error), make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		ready <- hop(before)
		<-ran
		done <- hop(after)
	}()
	err := errors.Join(<-ready, f())
	close(ran)
	return errors.Join(err, <-done)
}

// hop makes calls, and changes CPUs all the time.
func hop(numbers ...uintptr) error {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for i := range tenderCalls {
		if i%10 == 0 {
			if err := move(&all, i/10); err != nil {
				return err
			}
		}
		for _, n := range numbers {
			var interval unix.Timespec
			if _, _, errno := unix.RawSyscall(n, 0, uintptr(unsafe.Pointer(&interval)), 0); errno != 0 {
				return fmt.Errorf("system call %d: %w", n, errno)
			}
		}
	}
	return unix.SchedSetaffinity(0, &all)
}

// move moves the thread to the nth CPU of a set, counted round and round.
func move(all *unix.CPUSet, n int) error {
	n %= all.Count()
	for cpu := 0; ; cpu++ {
		if !all.IsSet(cpu) {
			continue
		}
		if n == 0 {
			var one unix.CPUSet
			one.Set(cpu)
			return unix.SchedSetaffinity(0, &one)
		}
		n--
	}
}

func allowAll() []bpf.Instruction { return []bpf.Instruction{bpf.RetConstant{Val: 0x7fff0000}} } // SECCOMP_RET_ALLOW

// Install gives the calling thread a filter.
func Install(program []bpf.Instruction, flags uintptr) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	header := struct {
		n      uint16
		filter *bpf.RawInstruction // laid out as struct sock_filter
	}{uint16(len(raw)), &raw[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&header))); errno != 0 {
		return fmt.Errorf("install the filter: %w", errno)
	}
	return nil
}

// Sides has a tender observed, and checks each round.
func Sides(t *testing.T, s collectors.Session, check func(t *testing.T, o collectors.Observation, want Sided)) {
	dir := Cgroup(t)
	p := StartRole(t, dir, Tender)
	if _, err := s.Seed(collectors.Target{Cgroup: dir}); err != nil {
		t.Fatal(err)
	}
	for _, want := range tenderRounds() {
		Begin(t, s)
		Perform(t, p)
		o := End(t, s)
		if o.Lost != nil {
			t.Errorf("lost %v", o.Lost)
		}
		check(t, o, want)
	}
	Begin(t, s)
	Perform(t, p)
	if o := End(t, s); o.Sides != nil || o.Confined != nil {
		t.Errorf("nobody installed a filter, yet there are sides: %+v, %v", o.Sides, o.Confined)
	}
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
}
