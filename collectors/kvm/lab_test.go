//go:build lab

package kvm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
	"hapscope/collectors/internal/labtest"
	"hapscope/internal/kernel/kvmguest"
	"hapscope/record"
)

// What the guest does, exactly so often each time.
const (
	hypercallsMade = 700
	unknownCall    = 99
	outsMade       = 1300
)

// guest is the role of a process that runs a virtual machine for each byte; the
// kernel's own count of its exits goes into exitsFile.
const (
	guest     = "guest"
	exitsFile = "/dev/shm/hapscope-kvm-exits"
)

func TestMain(m *testing.M) {
	labtest.Main(m, map[string]func() error{guest: func() error {
		err := exercise.Serve(os.Stdin, os.Stdout, func() error {
			return kvmguest.Run(kvmguest.Calls(hypercallsMade, unknownCall, outsMade), func(exits []uint32) error {
				if len(exits) != outsMade+1 {
					return fmt.Errorf("%d exits to the monitor", len(exits))
				}
				return saveExits()
			})
		})
		if errors.Is(err, kvmguest.ErrShutdown) {
			fmt.Fprintln(os.Stderr, err)
			return nil // the test sees that there was no answer, and runs another
		}
		return err
	}})
}

// saveExits writes what the kernel counted for this process's virtual machine.
func saveExits() error {
	// The directory is named after the thread that made the machine.
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	var found []string
	for _, task := range tasks {
		of, _ := filepath.Glob("/sys/kernel/debug/kvm/" + task.Name() + "-*/exits")
		found = append(found, of...)
	}
	if len(found) != 1 {
		return fmt.Errorf("the kernel's counters: %v", found)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		return err
	}
	return os.WriteFile(exitsFile, b, 0o600)
}

func open(t *testing.T, o Options) collectors.Session {
	t.Helper()
	s, err := New(o).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		labtest.Leftovers(t)
	})
	return s
}

// observed observes a guest in a cgroup, after one outside. Where one did not come to
// its end (kvmguest.ErrShutdown) it does so anew.
func observed(t *testing.T, s collectors.Session, inside string) collectors.Observation {
	t.Helper()
	for range 5 {
		other, p := startGuest(t, ""), startGuest(t, inside)
		if other == nil || p == nil {
			continue
		}
		if added, err := s.Seed(collectors.Target{Cgroup: inside}); err != nil || added == 0 {
			t.Fatalf("Seed = %d, %v", added, err)
		}
		labtest.Begin(t, s)
		err := errors.Join(other.Perform(), p.Perform())
		if o := labtest.End(t, s); err == nil {
			return o
		}
		t.Log(err)
	}
	t.Fatal("no guest came to its end")
	panic("unreachable")
}

// startGuest starts a process that has run a guest once, or returns nil where that
// did not come to its end.
func startGuest(t *testing.T, dir string) *exercise.Performer {
	t.Helper()
	p := labtest.StartIdle(t, dir, guest)
	if err := p.Perform(); err != nil {
		t.Log(err)
		return nil
	}
	return p
}

func TestCountsExactly(t *testing.T) {
	s := open(t, Options{})
	inside := labtest.Cgroup(t)
	for range 3 {
		o := observed(t, s, inside)
		t.Log(o.VM)
		for _, want := range []struct {
			kind   record.VMEvent
			titles []string
			n      uint64
		}{
			{record.Hypercall, []string{"hypercall_0x63"}, hypercallsMade},
			{record.VMExit, []string{"hypercall", "VMCALL"}, hypercallsMade},
			{record.VMExit, []string{"io", "IO_INSTRUCTION"}, outsMade},
			{record.VMPortIO, []string{"out 0x80"}, outsMade},
			{record.VMUserExit, []string{"IO"}, outsMade},
			{record.VMUserExit, []string{"HLT"}, 1},
			{record.VMExit, []string{"hlt", "HLT"}, 1},
		} {
			n := uint64(0)
			for _, title := range want.titles {
				n += o.VM[want.kind][title]
			}
			if n != want.n {
				t.Errorf("%s %v: %d were counted, want %d", want.kind, want.titles, n, want.n)
			}
		}
		if o.Lost != nil {
			t.Errorf("lost %v", o.Lost)
		}
		var exits uint64
		for _, n := range o.VM[record.VMExit] {
			exits += n
		}
		b, err := os.ReadFile(exitsFile)
		if err != nil {
			t.Fatal(err)
		}
		if own, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err != nil || own != exits {
			t.Errorf("%d exits were counted, the kernel says %d, %v", exits, own, err)
		}
	}
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
}

func TestLossesAreReported(t *testing.T) {
	s := open(t, Options{BufferKiB: 8, Poll: time.Hour})
	if o := observed(t, s, labtest.Cgroup(t)); o.Lost == nil {
		t.Errorf("nothing is said to be lost of %d events", o.Events)
	}
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
}

func TestCheck(t *testing.T) {
	for _, r := range New(Options{}).Check(t.Context()) {
		if !r.Met {
			t.Errorf("%s: %s", r.Name, r.Detail)
		}
	}
}
