package driver

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hapscope/collectors"
	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/workloads"
)

// bench is a driver made of fakes, and what it writes.
type bench struct {
	runtime    *fakeRuntime
	workload   *fakeWorkload
	collector  *fakeCollector
	plan       record.Plan
	state      string
	dir        string
	noSelfTest string
	converged  func([]record.Result) bool
	weighed    int
	policy     func(context.Context, string) ([]collectors.Held, error)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		runtime: &fakeRuntime{}, workload: &fakeWorkload{}, collector: &fakeCollector{},
		noSelfTest: "the collectors are fakes", state: t.TempDir(), dir: filepath.Join(t.TempDir(), "run"),
	}
	b.plan = NewPlan(scenario.Scenario{
		Name: "t", Variants: []string{"fake"}, Workloads: []string{"w"}, Repetitions: 2, Deadline: 20 * time.Second,
		Load: record.Load{Mode: scenario.Paced, Requests: 5, Rate: 10_000},
	})
	return b
}

// run drives the plan and returns what a reader finds afterwards.
func (b *bench) run(t *testing.T, ctx context.Context) (*record.Record, error) {
	t.Helper()
	w, err := record.NewWriter(b.dir, record.Run{
		Schema: record.SchemaVersion, ID: "t", Created: time.Unix(0, 0).UTC(), Plan: b.plan, Where: "host", Why: "a test",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	d := b.driver(w)
	runErr := d.Run(ctx, b.plan, nil)
	rec, err := record.Read(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	b.leftovers(t)
	return rec, runErr
}

func (b *bench) driver(w *record.Writer) *Driver {
	return &Driver{
		Runtimes:  map[string]runtimes.Runtime{"fake": b.runtime},
		Workloads: map[string]workloads.Workload{"w": b.workload},
		Witnesses: []collectors.Collector{b.collector},
		Describe: func() (*record.Machine, error) {
			return &record.Machine{Release: "6", BuildID: "0123456789abcdef"}, nil
		},
		Threads: b.runtime.threads, Exercise: []string{"sh", "-c", "printf x; dd bs=1 count=1 2>/dev/null; cat >/dev/null"}, NoSelfTest: b.noSelfTest, Converged: b.converged, Policy: b.policy,
		CPU: func(string) (float64, error) { return 1, nil },
		Memory: func(string) (record.Memory, error) {
			b.weighed++
			return record.Memory{Source: "a test", Steady: uint64(100 - b.weighed)}, nil
		},
		State: b.state, Writer: w, Log: slog.New(slog.DiscardHandler),
	}
}

// leftovers fails the test for anything that a run has not put away.
func (b *bench) leftovers(t *testing.T) {
	t.Helper()
	if b.runtime.alive != 0 {
		t.Errorf("%d sandboxes left", b.runtime.alive)
	}
	if n := b.workload.open.Load(); n != 0 {
		t.Errorf("%d connections left", n)
	}
	if b.collector.running || b.collector.following {
		t.Error("the collector still observes")
	}
	if entries, _ := os.ReadDir(filepath.Join(b.state, "scratch")); len(entries) > 0 {
		t.Errorf("scratch is left: %v", entries)
	}
}

func TestRunMeasures(t *testing.T) {
	b := newBench(t)
	rec, err := b.run(t, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Results) != 2 || rec.Run.Ended == nil || b.runtime.swept == 0 || b.collector.closed != 1 {
		t.Fatalf("%d results, ended %v, swept %d, closed %d", len(rec.Results), rec.Run.Ended, b.runtime.swept, b.collector.closed)
	}
	if b.runtime.prepares != 1 || b.runtime.prepared != 0 {
		t.Errorf("the runtime was prepared %d times, and is %d times still", b.runtime.prepares, b.runtime.prepared)
	}
	r := rec.Results[0]
	if r.Status != record.OK || len(r.Phases) != 4 || r.Load.Correct != 5 {
		t.Errorf("result = %+v", r)
	}
	steady := r.Phase(record.Steady)
	if len(steady.Functions[record.InProcess]) != 2 || steady.Syscalls["read"] != 1 {
		t.Errorf("steady = %+v", steady)
	}
}

// A module that is loaded in the middle of a run adds functions to the table.
func TestUniverseGrows(t *testing.T) {
	b := newBench(t)
	b.noSelfTest = "not asked for"
	b.collector.late, b.collector.sample = true, true
	rec, err := b.run(t, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	table := rec.Tables[rec.Run.Machine.BuildID]
	for _, r := range rec.Results {
		steady := r.Phase(record.Steady)
		hits := steady.Functions[record.InProcess]
		if len(hits) != 3 || len(steady.Sample) != 3 {
			t.Fatalf("hits %v of sample %v", hits, steady.Sample)
		}
		for _, h := range hits {
			if (table[h.Function].Symbol == "late") != (h.Count == 7) {
				t.Errorf("%d entries of %s", h.Count, table[h.Function].Name())
			}
		}
	}
}

// The phases around steady are observed in as many repetitions as the plan says.
func TestLifecycleRepetitions(t *testing.T) {
	b := newBench(t)
	b.plan.LifecycleRepetitions = 1
	rec, err := b.run(t, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	first, second := rec.Results[0], rec.Results[1]
	if len(first.Phases) != 4 || len(second.Phases) != 1 || second.Phase(record.Steady) == nil || second.Status != record.OK {
		t.Errorf("phases of the repetitions: %+v; %+v", first.Phases, second.Phases)
	}
}

// Under other workloads than the plan says, only the control and the load are.
func TestLifecycleWorkloads(t *testing.T) {
	for named, want := range map[string]int{"another": 2, "w": 5} {
		b := newBench(t)
		b.plan.Idle, b.plan.LifecycleWorkloads = 0.01, []string{named}
		rec, err := b.run(t, context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rec.Results {
			if len(r.Phases) != want || r.Phase(record.Idle) == nil || r.Phase(record.Steady) == nil || r.Status != record.OK {
				t.Errorf("%s: %s has phases %+v", named, r.Cell(), r.Phases)
			}
		}
	}
}

// An instrument that does not count a known answer right measures nothing.
func TestSelfTestRefuses(t *testing.T) {
	b := newBench(t)
	b.noSelfTest = ""
	rec, err := b.run(t, context.Background())
	if !errors.Is(err, ErrSelfTest) || !strings.Contains(err.Error(), "getppid is not in the universe") {
		t.Errorf("err = %v", err)
	}
	if len(rec.Results) != 0 || len(rec.Run.SelfTest) != 1 || rec.Run.SelfTest[0].Passed() {
		t.Errorf("%d results, self-test %+v", len(rec.Results), rec.Run.SelfTest)
	}
	b = newBench(t)
	if rec, err = b.run(t, context.Background()); err != nil || rec.Run.SelfTest[0].Skipped == "" {
		t.Errorf("self-test %+v, %v", rec.Run.SelfTest, err)
	}
}

// The idle sandbox is the control: it is observed before the load comes.
func TestIdleIsObserved(t *testing.T) {
	b := newBench(t)
	b.plan.Idle, b.plan.LifecycleRepetitions = 0.01, 1
	rec, err := b.run(t, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if rec.Results[0].Phase(record.Idle) == nil || rec.Results[1].Phase(record.Idle) != nil {
		t.Errorf("phases: %+v; %+v", rec.Results[0].Phases, rec.Results[1].Phases)
	}
}

// A converged cell is not measured again, and the run ends all the same.
func TestConvergedCellsAreSpared(t *testing.T) {
	b := newBench(t)
	b.converged = func(results []record.Result) bool { return len(results) == 1 }
	rec, err := b.run(t, context.Background())
	if err != nil || len(rec.Results) != 1 || rec.Run.Ended == nil {
		t.Errorf("%d results, ended %v, %v", len(rec.Results), rec.Run.Ended, err)
	}
}

// The warm-up ends when the sandbox has been without a new thread for as long as
// the plan says, or when it has gone on for too long.
func TestWarmUp(t *testing.T) {
	for _, tt := range []struct {
		late, sent int
		warning    string
	}{
		{0, 8, ""},
		{4, 6 + 8, ""}, // looks: before, after 2, 4 and 6 requests
		{1000, 48, "still starting threads after 48 requests"},
	} {
		b := newBench(t)
		b.plan.Load.WarmUp, b.runtime.late = 8, tt.late
		rec, err := b.run(t, context.Background())
		if err != nil {
			t.Fatal(err)
		}
		r := rec.Results[0]
		if r.WarmUp != tt.sent || !strings.Contains(strings.Join(r.Warnings, "\n"), tt.warning) || (tt.warning == "") != (r.Warnings == nil) {
			t.Errorf("late %d: %d requests to warm up, want %d; warnings %q", tt.late, r.WarmUp, tt.sent, r.Warnings)
		}
	}
}

// A variant that boots unikernels gets those of the plan, and their files are in the
// record; where the plan names none the cell is skipped.
func TestUnikernels(t *testing.T) {
	for _, named := range []bool{true, false} {
		b := newBench(t)
		b.runtime.boots = &fakeUnikernels{}
		if named {
			b.plan.Unikernels = map[string]map[string]record.Unikernel{"fake": {"w": {Image: "/u"}, "other": {Image: "/x"}}}
		}
		rec, err := b.run(t, context.Background())
		if err != nil {
			t.Fatal(err)
		}
		r := rec.Results[0]
		if !named {
			if r.Status != record.Skipped || r.Reason != "unikernel for w: none is named" || r.Remedy != "build one" || b.runtime.booted != nil {
				t.Errorf("result = %+v, booted %v", r, b.runtime.booted)
			}
			continue
		}
		if tools := rec.Run.Tools; r.Status != record.OK || len(tools) != 1 || tools[0].Path != "/u" {
			t.Errorf("%s, tools %v", r.Status, tools)
		}
		for _, u := range b.runtime.booted {
			if u == nil || u.Image != "/u" {
				t.Errorf("a sandbox was to boot %+v", u)
			}
		}
	}
}

// What is started by itself has no phase create: nothing runs before it.
func TestRawHasNoCreate(t *testing.T) {
	b := newBench(t)
	b.runtime.engine = record.EngineRaw
	rec, err := b.run(t, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r := rec.Results[0]
	if r.Status != record.OK || r.Phase(record.Create) != nil || r.Phase(record.Boot) == nil || r.Phase(record.Steady) == nil {
		t.Errorf("%s, phases %+v", r.Status, r.Phases)
	}
}

func TestFaults(t *testing.T) {
	missing := []record.Requirement{{Name: "runtime", Detail: "not in PATH", Remedy: "install it"}}
	tests := []struct {
		name   string
		spoil  func(*bench)
		status record.Status
		reason string
		err    error
	}{
		{"missing runtime", func(b *bench) { b.runtime.requirements = missing }, record.Skipped, "runtime: not in PATH", ErrUnfit},
		{"create fails", func(b *bench) {
			b.runtime.createErr = runtimes.WithRemedy(errors.New("no such platform"), "use another")
		}, record.Failed, "create the sandbox: no such platform", nil},
		{"never ready", func(b *bench) { b.workload.never, b.plan.Deadline = true, 0.3 }, record.Failed, "no end within the deadline of 0.3s", nil},
		{"dies in boot", func(b *bench) { b.runtime.dies, b.workload.never = true, true }, record.Failed, "ended before it was ready: exit status 7\noutput of the sandbox:\nlast words", nil},
		{"wrong reply", func(b *bench) { b.workload.wrongAt = 3 }, record.Failed, "wrong reply to ping: want pong, got pang", nil},
		{"dies under load", func(b *bench) {
			b.workload.cancelAt, b.workload.cancel, b.workload.wrongAt = 3, func() { b.runtime.dies = true }, 4
		}, record.Failed, "want pong, got pang\nexit status 7\noutput of the sandbox:\nlast words", nil},
		{"events lost", func(b *bench) { b.collector.lose = 5 }, record.Degraded, "steady: 5 of 10 events lost", nil},
		{"delete fails", func(b *bench) { b.runtime.deleteErr = errors.New("busy") }, record.Failed, "delete the sandbox: busy", nil},
		{"begin fails", func(b *bench) { b.collector.beginErr = errors.New("no tracefs") }, record.Failed, "no tracefs", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			tt.spoil(b)
			rec, err := b.run(t, context.Background())
			if !errors.Is(err, tt.err) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			if len(rec.Results) != 2 {
				t.Fatalf("%d results: one cell's fault must not end the run", len(rec.Results))
			}
			r := rec.Results[0]
			if r.Status != tt.status || !strings.Contains(r.Reason, tt.reason) {
				t.Errorf("got %s: %s\nwant %s: %s", r.Status, r.Reason, tt.status, tt.reason)
			}
			if r.Status == record.Failed && len(r.Phases) > 0 {
				t.Error("a failed repetition keeps numbers")
			}
			if want := runtimes.Remedy(b.runtime.createErr); r.Remedy != want {
				t.Errorf("remedy %q, want %q", r.Remedy, want)
			}
		})
	}
}

func TestFailedRepetitionsAreTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		fails, retries int
		status         record.Status
		retried        int
	}{{1, 1, record.OK, 1}, {2, 2, record.OK, 2}, {3, 2, record.Failed, 2}, {1, 0, record.Failed, 0}} {
		b := newBench(t)
		b.runtime.createErr, b.runtime.createFails, b.plan.Retries = errors.New("no answer"), 1+tt.fails, tt.retries // the rehearsal's is the first
		rec, err := b.run(t, context.Background())
		if err != nil {
			t.Fatal(err)
		}
		r := rec.Results[0]
		if r.Status != tt.status || len(r.Retried) != tt.retried || tt.retried > 0 && !strings.Contains(r.Retried[0], "no answer") {
			t.Errorf("%d failures, %d retries: %s, retried after %q", tt.fails, tt.retries, r.Status, r.Retried)
		}
	}
}

// What an interrupted repetition saw is no result; what was finished stays, and
// a resumed run measures the rest only.
func TestInterruptAndResume(t *testing.T) {
	b := newBench(t)
	b.plan.Steps = append(b.plan.Steps, record.Step{Cell: b.plan.Steps[0].Cell, Repetition: 3})
	b.plan.Repetitions = 3
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := 0
	w, err := record.NewWriter(b.dir, record.Run{Schema: record.SchemaVersion, ID: "t", Created: time.Unix(0, 0).UTC(), Plan: b.plan, Where: "host", Why: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	d := b.driver(w)
	d.Done = func(Progress) {
		if done++; done == 1 {
			b.workload.cancelAt, b.workload.cancel = 3, cancel
		}
	}
	if err := d.Run(ctx, b.plan, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
	b.leftovers(t)
	w.Close()

	w, run, results, err := record.OpenWriter(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if len(results) != 1 || run.Ended != nil {
		t.Fatalf("%d results, ended %v", len(results), run.Ended)
	}
	b.workload.cancelAt = 0
	if err := b.driver(w).Run(context.Background(), run.Plan, results); err != nil {
		t.Fatal(err)
	}
	rec, err := record.Read(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Results) != 3 {
		t.Errorf("%d results after the resume, want 3", len(rec.Results))
	}
}

// A killed run leaves its scratch directory; the next one takes it away.
func TestScratchIsSwept(t *testing.T) {
	b := newBench(t)
	if err := os.MkdirAll(filepath.Join(b.state, "scratch", "dead", "upper"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := b.run(t, context.Background()); err != nil { // looks for leftovers
		t.Fatal(err)
	}
}

func TestSecondRunIsRefused(t *testing.T) {
	b := newBench(t)
	release, err := lockMachine(b.state)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := b.run(t, context.Background()); !errors.Is(err, ErrBusy) {
		t.Errorf("err = %v, want ErrBusy", err)
	}
}

var _ collectors.Witness = (*fakeCollector)(nil)
