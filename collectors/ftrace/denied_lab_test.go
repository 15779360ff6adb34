//go:build lab

package ftrace

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
	"hapscope/collectors/internal/labtest"
	"hapscope/record"
)

const (
	// deny is the role of a process that makes calls which seccomp denies.
	deny = "deny"
	// deniedTimes is how often it makes each.
	deniedTimes = 2000
)

// deniedNumbers are calls that do much or little where they are allowed.
func deniedNumbers() []uintptr {
	return []uintptr{unix.SYS_GETPPID, unix.SYS_OPENAT, unix.SYS_MOUNT, unix.SYS_BPF, unix.SYS_IO_URING_SETUP}
}

// denied serves the role deny: the first round makes no call, each of the others one of
// those denied, the last getpgrp, which is allowed.
func denied() error {
	runtime.LockOSThread()
	program := []bpf.Instruction{bpf.LoadAbsolute{Off: 0, Size: 4}}
	for _, n := range deniedNumbers() {
		if n != unix.SYS_OPENAT { // which Go needs: it is denied by a descriptor that nobody has
			program = append(program, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(n), SkipTrue: 1}, bpf.RetConstant{Val: errnoEPERM})
		}
	}
	program = append(program, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_OPENAT, SkipTrue: 3},
		bpf.LoadAbsolute{Off: 16, Size: 4}, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: nobodys, SkipTrue: 1},
		bpf.RetConstant{Val: errnoEPERM}, bpf.RetConstant{Val: 0x7fff0000}) // SECCOMP_RET_ALLOW
	if err := labtest.Install(program, 0); err != nil {
		return err
	}
	round := 0
	return exercise.Serve(os.Stdin, os.Stdout, func() error {
		round++
		switch at := (round - 1) % (len(deniedNumbers()) + 2); {
		case at == 0:
			return nil
		case at <= len(deniedNumbers()):
			return call(deniedNumbers()[at-1], unix.EPERM)
		}
		return call(unix.SYS_GETPGRP, 0)
	})
}

const (
	errnoEPERM = 0x00050000 | uint32(unix.EPERM) // SECCOMP_RET_ERRNO
	nobodys    = 77777
)

func call(number uintptr, want unix.Errno) error {
	for range deniedTimes {
		if _, _, errno := unix.RawSyscall(number, nobodys, 0, 0); errno != want {
			return fmt.Errorf("system call %d: %v, want %v", number, errno, want)
		}
	}
	return nil
}

// deniedCalls asks what a denied call makes the kernel run: the same few functions,
// whichever call it is.
func deniedCalls(t *testing.T, s *Session) {
	dir := labtest.Cgroup(t)
	p := labtest.StartIdle(t, dir, deny)
	if _, err := s.Seed(collectors.Target{Cgroup: dir}); err != nil {
		t.Fatal(err)
	}
	round := func() []string {
		labtest.Begin(t, s)
		labtest.Perform(t, p)
		return often(s, labtest.End(t, s))
	}
	if none := round(); len(none) > 0 {
		t.Errorf("without a call: %v", none)
	}
	var first []string
	for i, n := range deniedNumbers() {
		got := round()
		t.Logf("denied call %d: %v", n, got)
		if i == 0 {
			first = got
		}
		if len(got) == 0 || len(got) > 10 || !slices.Equal(got, first) || !slices.Contains(got, "__secure_computing") {
			t.Errorf("denied call %d: %v, want %v", n, got, first)
		}
	}
	allowed := round()
	t.Logf("getpgrp, allowed by the same filter: %v", allowed)
	if slices.Equal(allowed, first) {
		t.Error("an allowed call runs no more than a denied one")
	}
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
}

// often names the functions that were entered for each of the calls.
func often(s *Session, o collectors.Observation) (names []string) {
	for _, h := range o.Functions[record.InProcess] {
		if h.Count >= deniedTimes {
			name := s.Universe()[h.Function].Name()
			if n := h.Count / deniedTimes; n > 1 {
				name += fmt.Sprintf(" × %d", n)
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
