//go:build lab

package ftrace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hapscope/collectors"
	"hapscope/collectors/internal/labtest"
	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
)

// leave is the role of a process that is killed with its tracer armed.
const leave = "leave"

func TestMain(m *testing.M) {
	labtest.Main(m, map[string]func(){leave: func() {
		if _, err := New(Options{BufferKiB: 64}).Open(context.Background()); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("armed")
		labtest.Forever()
	}})
}

func arm(t *testing.T, o Options) *Session {
	t.Helper()
	start := time.Now()
	s, err := New(o).Arm(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("armed %d functions in %v; %d untraceable, %d ambiguous, %d invalid", len(s.Universe()), time.Since(start),
		s.Untraceable(), s.Table().Ambiguous, s.Table().Invalid)
	t.Cleanup(func() {
		start := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		t.Logf("disarmed in %v", time.Since(start))
		labtest.Leftovers(t)
	})
	return s
}

func end(t *testing.T, s *Session) collectors.Observation {
	t.Helper()
	o, err := s.End(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events, %d of hapscope's own, %d unknown, lost %v; functions: %d process, %d softirq, %d hardirq", o.Events, o.Own,
		o.Unknown, o.Lost, len(o.Functions[record.InProcess]), len(o.Functions[record.InSoftIRQ]), len(o.Functions[record.InHardIRQ]))
	return o
}

func begin(t *testing.T, s *Session) {
	t.Helper()
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, s *Session, o collectors.Observation, name string) (n uint64) {
	t.Helper()
	i := s.Table().Find("", name)
	if i < 0 {
		t.Fatalf("%s is not in the universe", name)
	}
	for _, h := range o.Functions[record.InProcess] {
		if h.Function == i {
			n += h.Count
		}
	}
	return n
}

func clean(t *testing.T, o collectors.Observation) {
	t.Helper()
	if o.Lost != nil || o.Unknown != 0 {
		t.Errorf("lost %v, unknown %d", o.Lost, o.Unknown)
	}
}

const getppid = "__x64_sys_getppid"

// launched observes a helper from before its start.
func launched(t *testing.T, s *Session, role string) (o collectors.Observation) {
	t.Helper()
	err := labtest.Launch(func(tid int) error {
		if err := s.Follow(tid); err != nil {
			return err
		}
		begin(t, s)
		start := time.Now()
		labtest.Getppid(1234) // the launcher's own
		err := labtest.Command(role).Run()
		took := time.Since(start)
		o = end(t, s)
		t.Logf("%.0f events/s", float64(o.Events)/took.Seconds())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The tracer is armed once, as in a run, because that takes many seconds.
func TestWitness(t *testing.T) {
	s := arm(t, Options{})

	t.Run("exactly what a cgroup did", func(t *testing.T) {
		root, err := cgroup.Root()
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(root, "hapscope-ftrace-test")
		if err := cgroup.Create(dir); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := cgroup.Remove(context.Background(), dir); err != nil {
				t.Error(err)
			}
		})
		inside, outside := labtest.Start(t, dir), labtest.Start(t, "")
		start := time.Now()
		added, err := s.Seed(collectors.Target{Cgroup: dir})
		if err != nil || added == 0 {
			t.Fatalf("Seed = %d, %v", added, err)
		}
		t.Logf("seeded %d threads in %v", added, time.Since(start))
		if added, err := s.Seed(collectors.Target{Cgroup: dir}); err != nil || added != 0 {
			t.Errorf("second Seed = %d, %v", added, err)
		}
		inside.Call(t) // tracing is off
		for range 3 {
			begin(t, s)
			outside.Call(t)
			inside.Call(t)
			o := end(t, s)
			clean(t, o)
			if n := count(t, s, o, getppid); n != labtest.Calls {
				t.Errorf("%d calls were counted, want %d", n, labtest.Calls)
			}
		}
		if err := s.Forget(); err != nil {
			t.Fatal(err)
		}
		begin(t, s)
		inside.Call(t)
		if o := end(t, s); o.Events != 0 {
			t.Errorf("%d events of no one", o.Events)
		}
	})

	for _, c := range []struct {
		name, role string
		calls      uint64
		execs      uint64
	}{
		{"a child from its start", labtest.Now, labtest.Calls, 1},
		{"short-lived grandchildren", labtest.Fork, labtest.Calls * labtest.Children, labtest.Children + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := launched(t, s, c.role)
			clean(t, o)
			if n := count(t, s, o, getppid); n != c.calls {
				t.Errorf("%d calls were counted, want %d", n, c.calls)
			}
			if n := count(t, s, o, "begin_new_exec"); n != c.execs {
				t.Errorf("%d execs were counted, want %d", n, c.execs)
			}
			if o.Own < 1234 {
				t.Errorf("%d events of the launcher, want at least 1234", o.Own)
			}
			if err := s.Forget(); err != nil {
				t.Fatal(err)
			}
		})
	}

	t.Run("losses are reported", func(t *testing.T) {
		// A ring buffer of two pages, which the reader looks at far too seldom.
		files, err := filepath.Glob(fmt.Sprintf("/sys/kernel/tracing/instances/*%d-*/buffer_size_kb", os.Getpid()))
		if err != nil || len(files) != 1 {
			t.Fatalf("the session's instance: %v, %v", files, err)
		}
		if err := os.WriteFile(files[0], []byte("8"), 0); err != nil {
			t.Fatal(err)
		}
		o := launched(t, s, labtest.Now)
		var lost uint64
		for _, n := range o.Lost {
			lost += n
		}
		if lost < labtest.Calls/2 {
			t.Errorf("lost %v", o.Lost)
		}
		if err := s.Forget(); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("forget is refused while events flow", func(t *testing.T) {
		begin(t, s)
		if s.Forget() == nil {
			t.Error("no error")
		}
		if s.Begin() == nil {
			t.Error("no error for a second Begin")
		}
		end(t, s)
		if _, err := s.End(t.Context()); err == nil {
			t.Error("no error for a second End")
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
