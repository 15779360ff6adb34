//go:build lab

package labtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
)

// Armed opens a witness and puts it away when the test ends.
func Armed[S collectors.Witness](t *testing.T, open func(context.Context) (S, error)) S {
	t.Helper()
	start := time.Now()
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("armed %d functions in %v; %d untraceable", len(s.Universe()), time.Since(start), s.Untraceable())
	t.Cleanup(func() {
		start := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		t.Logf("disarmed in %v", time.Since(start))
		Leftovers(t)
	})
	return s
}

// Begin and End wrap the session's.
func Begin(t *testing.T, s collectors.Session) {
	t.Helper()
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
}

// End returns what was observed, and logs how much it is.
func End(t *testing.T, s collectors.Session) collectors.Observation {
	t.Helper()
	o, err := s.End(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	byThread(t, o)
	t.Logf("%d events, %d of hapscope's own, %d unknown, lost %v, partial %v; functions: %v", o.Events, o.Own, o.Unknown, o.Lost, o.Partial, sizes(o))
	return o
}

// byThread checks that threads, where they are told apart, make up the contexts.
func byThread(t *testing.T, o collectors.Observation) {
	t.Helper()
	if o.Threads == nil {
		return
	}
	sum := map[record.Context]map[int]uint64{record.InProcess: {}, record.InKthread: {}}
	for _, k := range o.Threads {
		if k.Number == 0 || !k.Ended && (k.Name == "" || k.Process == "") {
			t.Errorf("threads %+v, %d of them", k.Thread, k.Number)
		}
		for _, h := range k.Functions {
			sum[k.Context()][h.Function] += h.Count
		}
	}
	for context, functions := range sum {
		for _, h := range o.Functions[context] {
			if functions[h.Function] != h.Count {
				t.Errorf("%s: function %d was entered %d times, by threads %d times", context, h.Function, h.Count, functions[h.Function])
			}
		}
		if len(functions) != len(o.Functions[context]) {
			t.Errorf("%s: %d functions, by threads %d", context, len(o.Functions[context]), len(functions))
		}
	}
}

func sizes(o collectors.Observation) map[record.Context]int {
	n := map[record.Context]int{}
	for c, hits := range o.Functions {
		n[c] = len(hits)
	}
	return n
}

// Launched observes a helper from before its start.
func Launched(t *testing.T, s collectors.Session, role string) (o collectors.Observation) {
	t.Helper()
	err := Launch(func(tid int) error {
		if err := s.Follow(tid); err != nil {
			return err
		}
		Begin(t, s)
		start := time.Now()
		Getppid(Own)
		err := Command(role).Run()
		took := time.Since(start)
		o = End(t, s)
		t.Logf("%v, %.0f events/s", took, float64(o.Events)/took.Seconds())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Cgroup makes one for the test.
func Cgroup(t *testing.T) string {
	t.Helper()
	root, err := cgroup.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "hapscope-labtest-"+filepath.Base(t.Name()))
	if err := cgroup.Create(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cgroup.Remove(context.Background(), dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Exactly checks that the exercise was counted so many times, and nothing lost.
func Exactly(t *testing.T, s collectors.Witness, o collectors.Observation, times uint64) {
	t.Helper()
	if o.Lost != nil || o.Unknown != 0 {
		t.Errorf("lost %v, unknown %d", o.Lost, o.Unknown)
	}
	for _, e := range exercise.Standard().Expected() {
		n, known := e.In(s.Universe(), o.Functions[record.InProcess])
		if !known || n != e.Count*times {
			t.Errorf("%s: %d were counted, want %d; in the universe: %v", e.Name, n, e.Count*times, known)
		}
	}
}

// Count returns how often the one function with a name was entered.
func Count(t *testing.T, s collectors.Witness, hits []record.Hit, name string) uint64 {
	t.Helper()
	n, known := exercise.Expected{Functions: []string{name}}.In(s.Universe(), hits)
	if !known {
		t.Fatalf("%s is not in the universe", name)
	}
	return n
}

// Witness tests what every witness must do. It is armed once, as in a run,
// because that takes many seconds. Not every one observes everything.
func Witness(t *testing.T, s collectors.Witness, everything bool) {
	t.Run("exactly what a cgroup did", func(t *testing.T) {
		dir := Cgroup(t)
		inside, outside := Start(t, dir), Start(t, "")
		start := time.Now()
		added, err := s.Seed(collectors.Target{Cgroup: dir})
		if err != nil || added == 0 {
			t.Fatalf("Seed = %d, %v", added, err)
		}
		t.Logf("seeded %d threads in %v", added, time.Since(start))
		if added, err := s.Seed(collectors.Target{Cgroup: dir}); err != nil || added != 0 {
			t.Errorf("second Seed = %d, %v", added, err)
		}
		Perform(t, inside) // nothing is observed yet
		for range 2 {
			Begin(t, s)
			Perform(t, outside)
			Perform(t, inside)
			Exactly(t, s, End(t, s), 1)
		}
		if err := s.Forget(); err != nil {
			t.Fatal(err)
		}
		Begin(t, s)
		Perform(t, inside)
		if o := End(t, s); len(o.Functions[record.InProcess]) != 0 {
			t.Errorf("%d functions of no one", len(o.Functions[record.InProcess]))
		}
	})

	for _, c := range []struct {
		name, role   string
		times, execs uint64
	}{
		{"a child from its start", Now, 1, 1},
		{"short-lived grandchildren", Fork, Children, Children + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Launched(t, s, c.role)
			Exactly(t, s, o, c.times)
			if n := Count(t, s, o.Functions[record.InProcess], "begin_new_exec"); n != c.execs {
				t.Errorf("%d execs were counted, want %d", n, c.execs)
			}
			if err := s.Forget(); err != nil {
				t.Fatal(err)
			}
		})
	}

	t.Run("a kernel thread in the name of a process", func(t *testing.T) {
		if !everything {
			t.Skip("the witness observes chosen functions only")
		}
		dir := Cgroup(t)
		p := StartRole(t, dir, Uring)
		if _, err := s.Seed(collectors.Target{Cgroup: dir}); err != nil {
			t.Fatal(err)
		}
		Begin(t, s)
		Perform(t, p)
		o := End(t, s)
		own := map[int]bool{}
		for _, h := range o.Functions[record.InProcess] {
			own[h.Function] = true
		}
		only := 0
		for _, h := range o.Functions[record.InKthread] {
			if f := s.Universe()[h.Function]; !own[h.Function] && strings.Contains(f.Symbol, "io_") {
				only++
			}
		}
		t.Logf("%d functions in kthread, %d of io_uring only there; %+v", len(o.Functions[record.InKthread]), only, o.Kthreads)
		if !slices.ContainsFunc(o.Kthreads, func(k record.Kthread) bool { return strings.HasPrefix(k.Thread, "iou-sqp") && k.Owner != "" }) {
			t.Error("io_uring's thread has no owner")
		}
		if only == 0 {
			t.Error("no function of io_uring's thread was seen")
		}
		if err := s.Forget(); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("modules that are loaded later", func(t *testing.T) {
		if !everything {
			t.Skip("the witness observes chosen functions only")
		}
		load := exec.Command("modprobe", "dummy")
		if out, err := load.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		before := len(s.Universe())
		err := Launch(func(tid int) error {
			if err := s.Follow(tid); err != nil {
				return err
			}
			Begin(t, s)
			out, err := exec.Command("ip", "link", "add", "late0", "type", "dummy").CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			o := End(t, s)
			seen := 0
			for _, h := range o.Functions[record.InProcess] {
				if s.Universe()[h.Function].Module == "dummy" {
					seen++
				}
			}
			if seen == 0 || o.Unknown != 0 {
				t.Errorf("%d functions of the module were seen, %d entries are unknown; the universe grew from %d to %d", seen, o.Unknown, before, len(s.Universe()))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Forget(); err != nil {
			t.Fatal(err)
		}
		exec.Command("ip", "link", "del", "late0").Run()
		exec.Command("modprobe", "-r", "dummy").Run()
	})

	t.Run("forget is refused while events flow", func(t *testing.T) {
		Begin(t, s)
		if s.Forget() == nil {
			t.Error("no error")
		}
		if s.Begin() == nil {
			t.Error("no error for a second Begin")
		}
		End(t, s)
		if _, err := s.End(t.Context()); err == nil {
			t.Error("no error for a second End")
		}
	})
}

// Leave is a role: arm a witness and wait to be killed.
func Leave(open func() error) func() error {
	return func() error {
		if err := open(); err != nil {
			return err
		}
		os.Stdout.WriteString("armed")
		Forever()
		return nil
	}
}
