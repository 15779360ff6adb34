//go:build lab

package ftrace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hapscope/collectors/exercise"
	"hapscope/collectors/internal/labtest"
	"hapscope/collectors/internal/tap"
	"hapscope/internal/kernel/tracefs"
)

// leave is the role of a process that is killed with its instance open. That one
// with an armed tracer is swept as well is tested with whole runs, which arm anyway.
const leave = "leave"

func TestMain(m *testing.M) {
	labtest.Main(m, map[string]func() error{deny: denied, leave: labtest.Leave(func() error {
		_, err := tap.Open(tap.Options{
			Prefix: prefix, BufferKiB: 64, ForkOption: "function-fork", Filter: (*tracefs.Instance).FunctionFilter,
			Arm: func(*tracefs.Instance) error { return nil },
		}, func(int) (tap.Sink, error) { return nil, nil })
		return err
	})})
}

func TestWitness(t *testing.T) {
	s := labtest.Armed(t, New(Options{}).Arm)
	t.Logf("%d ambiguous, %d invalid", s.Table().Ambiguous, s.Table().Invalid)
	labtest.Witness(t, s, true)

	t.Run("a call that seccomp denies", func(t *testing.T) { deniedCalls(t, s) })
	t.Run("before and behind a filter", func(t *testing.T) { sidesOfFilters(t, s) })

	t.Run("losses are reported", func(t *testing.T) {
		// A ring buffer of two pages, which the reader looks at far too seldom.
		files, err := filepath.Glob(fmt.Sprintf("/sys/kernel/tracing/instances/*%d-*/buffer_size_kb", os.Getpid()))
		if err != nil || len(files) != 1 {
			t.Fatalf("the session's instance: %v, %v", files, err)
		}
		if err := os.WriteFile(files[0], []byte("8"), 0); err != nil {
			t.Fatal(err)
		}
		o := labtest.Launched(t, s, labtest.Now)
		var lost uint64
		for _, n := range o.Lost {
			lost += n
		}
		if lost < uint64(exercise.Standard().Getppid)/2 {
			t.Errorf("lost %v", o.Lost)
		}
		if err := s.Forget(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSweep(t *testing.T) {
	command := labtest.Command(leave)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, _ := out.Read(b)
	if got := strings.TrimSpace(string(b[:n])); got != "armed" {
		t.Fatal(got)
	}
	c := New(Options{})
	if removed, err := c.Sweep(t.Context()); err != nil || len(removed) != 0 {
		t.Errorf("with its maker alive: Sweep = %v, %v", removed, err)
	}
	command.Process.Kill()
	command.Wait()
	removed, err := c.Sweep(t.Context())
	if err != nil || len(removed) != 1 || !strings.Contains(removed[0], fmt.Sprint(command.Process.Pid)) {
		t.Errorf("Sweep = %v, %v", removed, err)
	}
	labtest.Leftovers(t)
}

func TestCheck(t *testing.T) {
	for _, r := range New(Options{}).Check(t.Context()) {
		t.Logf("%+v", r)
		if !r.Met {
			t.Errorf("%s: %s", r.Name, r.Detail)
		}
	}
}
