//go:build lab

package kvm

import (
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
		return exercise.Serve(os.Stdin, os.Stdout, func() error {
			return kvmguest.Run(kvmguest.Calls(hypercallsMade, unknownCall, outsMade), func(exits []uint32) error {
				if len(exits) != outsMade+1 {
					return fmt.Errorf("%d exits to the monitor", len(exits))
				}
				return saveExits()
			})
		})
	}})
}

// saveExits writes what the kernel counted for this process's virtual machine.
func saveExits() error {
	found, err := filepath.Glob(fmt.Sprintf("/sys/kernel/debug/kvm/%d-*/exits", os.Getpid()))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("the kernel's counters: %v, %v", found, err)
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

func TestCountsExactly(t *testing.T) {
	s := open(t, Options{})
	inside, outside := labtest.Cgroup(t), labtest.StartRole(t, "", guest)
	p := labtest.StartRole(t, inside, guest)
	if added, err := s.Seed(collectors.Target{Cgroup: inside}); err != nil || added == 0 {
		t.Fatalf("Seed = %d, %v", added, err)
	}
	for range 3 {
		labtest.Begin(t, s)
		labtest.Perform(t, outside)
		labtest.Perform(t, p)
		o := labtest.End(t, s)
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
	dir := labtest.Cgroup(t)
	p := labtest.StartRole(t, dir, guest)
	if _, err := s.Seed(collectors.Target{Cgroup: dir}); err != nil {
		t.Fatal(err)
	}
	labtest.Begin(t, s)
	labtest.Perform(t, p)
	if o := labtest.End(t, s); o.Lost == nil {
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
