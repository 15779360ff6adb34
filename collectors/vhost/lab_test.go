//go:build lab

package vhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
	"hapscope/collectors/ftrace"
	"hapscope/collectors/internal/labtest"
	"hapscope/internal/kernel/vhostnet"
	"hapscope/record"
)

// What the monitor does for each byte.
const (
	sent     = 300
	received = 200
)

// monitor is the role of a process that has a network device served by vhost. How
// often it was called goes into callsFile, named after the process, one number for
// each queue.
const (
	monitor   = "monitor"
	callsFile = "/dev/shm/hapscope-vhost-calls-"
)

func TestMain(m *testing.M) {
	labtest.Main(m, map[string]func() error{
		monitor: serve, fresh: func() error { return vhostnet.Run(exchange) },
		network: func() error { return exercise.Network().Serve(os.Stdin, os.Stdout) },
	})
}

// fresh is the role of a process that sets its device up, does the same, and exits;
// network that of one which performs the self-test's exercise.
const (
	fresh   = "fresh"
	network = "network"
)

func serve() error {
	return vhostnet.Run(func(d *vhostnet.Device) error {
		return exercise.Serve(os.Stdin, os.Stdout, func() error { return exchange(d) })
	})
}

func exchange(d *vhostnet.Device) error {
	out, err := d.Send(sent)
	if err != nil {
		return err
	}
	in, err := d.Receive(received)
	if err != nil {
		return err
	}
	return os.WriteFile(callsFile+strconv.Itoa(os.Getpid()), fmt.Appendf(nil, "%d %d", out, in), 0o600)
}

// called reads how often the processes of a cgroup were called on each queue.
func called(t *testing.T, dir string) (out, in uint64) {
	t.Helper()
	procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		t.Fatal(err)
	}
	for pid := range strings.FieldsSeq(string(procs)) {
		b, err := os.ReadFile(callsFile + pid)
		if errors.Is(err, os.ErrNotExist) {
			continue // a worker that is a kernel thread
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(string(b), &out, &in); err != nil {
			t.Fatal(err)
		}
	}
	return out, in
}

func open(t *testing.T) *Session {
	t.Helper()
	start := time.Now()
	s, err := New().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("armed in %v", time.Since(start))
	t.Cleanup(func() {
		start := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		t.Logf("disarmed in %v", time.Since(start))
		if !strings.Contains(t.Name(), "/") { // a witness outside of a subtest is still armed
			labtest.Leftovers(t)
		}
	})
	return s.(*Session)
}

func want(t *testing.T, o collectors.Observation, kind record.VhostEvent, title string, n uint64) {
	t.Helper()
	if got := o.Vhost[kind][title]; got != n {
		t.Errorf("%s %s: %d were counted, want %d", kind, title, got, n)
	}
}

// nothingElse asks that only so many titles were counted of a kind.
func nothingElse(t *testing.T, o collectors.Observation, kind record.VhostEvent, titles int) {
	t.Helper()
	if len(o.Vhost[kind]) != titles {
		t.Errorf("%s: %v", kind, o.Vhost[kind])
	}
}

func TestCountsExactly(t *testing.T) {
	s := open(t)
	inside := labtest.Cgroup(t)
	other, p := labtest.StartIdle(t, "", monitor), labtest.StartIdle(t, inside, monitor)
	if added, err := s.Seed(collectors.Target{Cgroup: inside}); err != nil || added == 0 {
		t.Fatalf("Seed = %d, %v", added, err)
	}
	for range 3 {
		labtest.Begin(t, s)
		err := errors.Join(other.Perform(), p.Perform())
		o := labtest.End(t, s)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(o.Vhost)
		out, in := called(t, inside)
		if out != sent || in != received {
			t.Errorf("vhost called %d and %d times", out, in)
		}
		want(t, o, record.VhostKick, "net tx", sent)
		want(t, o, record.VhostWork, "handle_tx_kick [vhost_net]", sent)
		want(t, o, record.VhostInterrupt, "net tx", out)
		want(t, o, record.VhostWork, "handle_rx_net [vhost_net]", received)
		want(t, o, record.VhostInterrupt, "net rx", in)
		nothingElse(t, o, record.VhostKick, 1)
		nothingElse(t, o, record.VhostInterrupt, 2)
		nothingElse(t, o, record.VhostWork, 2)
		if o.Lost != nil || o.Unknown != 0 {
			t.Errorf("lost %v, unknown %d", o.Lost, o.Unknown)
		}
	}
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	labtest.Begin(t, s)
	labtest.Perform(t, p)
	if o := labtest.End(t, s); o.Vhost == nil || o.Events != 0 {
		t.Errorf("of nobody, %v was counted", o.Vhost)
	}
}

// A process that a followed thread forks is counted from its start, and whatever
// the device's setting up makes vhost do as well.
func TestCountsChildrenExactly(t *testing.T) {
	s := open(t)
	var o collectors.Observation
	err := labtest.Launch(func(tid int) error {
		if err := s.Follow(tid); err != nil {
			return err
		}
		labtest.Begin(t, s)
		b, err := labtest.Command(fresh).CombinedOutput()
		o = labtest.End(t, s)
		if err != nil {
			return fmt.Errorf("%w: %s", err, b)
		}
		return s.Forget()
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(o.Vhost)
	want(t, o, record.VhostKick, "net tx", sent)
	want(t, o, record.VhostWork, "handle_tx_kick [vhost_net]", sent)
	want(t, o, record.VhostInterrupt, "net tx", sent)
	want(t, o, record.VhostInterrupt, "net rx", received)
	nothingElse(t, o, record.VhostKick, 1)
}

// The self-test's question, whose device is set up and put away while it is observed.
func TestExerciseIsCountedExactly(t *testing.T) {
	s := open(t)
	inside := labtest.Cgroup(t)
	p := labtest.StartIdle(t, inside, network)
	if _, err := s.Seed(collectors.Target{Cgroup: inside}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		labtest.Begin(t, s)
		labtest.Perform(t, p)
		o := labtest.End(t, s)
		if c := exercise.Network().CheckVhost("vhost", o.Vhost, o.Lost); !c.Passed {
			t.Errorf("%s; %v", c.Detail, o.Vhost)
		}
	}
}

// instrument is in the names of functions that run only because a program is attached
// or asks for something.
var instrument = regexp.MustCompile("kprobe|htab|nofault|bpf_(get|probe|prog|tramp|dispatcher|map)")

// What the programs call is not counted as the sandbox's by a witness.
func TestAddsNoFunctions(t *testing.T) {
	w := labtest.Armed(t, func(ctx context.Context) (collectors.Witness, error) {
		s, err := ftrace.New(ftrace.Options{}).Open(ctx)
		if err != nil {
			return nil, err
		}
		return s.(collectors.Witness), nil
	})
	inside := labtest.Cgroup(t)
	p, forks := labtest.StartIdle(t, inside, monitor), labtest.Start(t, inside)
	if _, err := w.Seed(collectors.Target{Cgroup: inside}); err != nil {
		t.Fatal(err)
	}
	t.Run("armed", func(t *testing.T) { // so that it is disarmed before the witness
		s := open(t)
		if _, err := s.Seed(collectors.Target{Cgroup: inside}); err != nil {
			t.Fatal(err)
		}
		labtest.Begin(t, s)
		labtest.Begin(t, w)
		labtest.Perform(t, p)
		labtest.Perform(t, forks)
		o := labtest.End(t, w)
		labtest.Exactly(t, w, o, 1)
		want(t, labtest.End(t, s), record.VhostKick, "net tx", sent)
		for c, hits := range o.Functions {
			for _, h := range hits {
				name := w.Universe()[h.Function].Symbol
				if strings.Contains(name, "nofault") {
					labtest.OlderKernel(t, 6, 2, name+" is called where bpf_rdonly_cast is missing")
				} else if instrument.MatchString(name) {
					t.Errorf("%s: %s was entered %d times", c, name, h.Count)
				}
			}
		}
	})
	if err := w.Forget(); err != nil {
		t.Fatal(err)
	}
}

// Without vhost at work there is an observation all the same: nothing.
func TestNothing(t *testing.T) {
	s := open(t)
	labtest.Begin(t, s)
	if err := exec.Command("/proc/self/exe", "-test.run=^$").Run(); err != nil {
		t.Fatal(err)
	}
	if o := labtest.End(t, s); o.Vhost == nil || len(o.Vhost) != 0 {
		t.Errorf("%v", o.Vhost)
	}
}

func TestCheck(t *testing.T) {
	for _, r := range New().Check(t.Context()) {
		t.Logf("%s: %s", r.Name, r.Detail)
		if !r.Met {
			t.Errorf("%s: %s", r.Name, r.Detail)
		}
	}
}
