package driver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/runtimes"
)

// newTimedBench is a bench on which nothing is counted, and two repetitions are timed.
func newTimedBench(t *testing.T) *bench {
	b := newBench(t)
	b.plan = NewPlan(scenario.Scenario{
		Name: "t", Variants: []string{"fake"}, Workloads: []string{"w"}, Deadline: 20 * time.Second, Where: scenario.Auto,
		Timing: &scenario.Timing{Repetitions: 2, Throughput: time.Second, Connections: 3, Latency: time.Second, Rate: 100, WarmUp: time.Second},
	})
	return b
}

// time times the plan and returns what a reader finds afterwards. change may set the
// driver up.
func (b *bench) time(t *testing.T, ctx context.Context, leave bool, change func(*Driver)) (*record.Record, error) {
	t.Helper()
	w, err := record.NewWriter(b.dir, record.Run{
		Schema: record.SchemaVersion, ID: "t", Created: time.Unix(0, 0).UTC(), Plan: b.plan, Where: "host", Why: "a test",
	})
	if errors.Is(err, record.ErrNotEmpty) {
		w, _, _, err = record.OpenWriter(b.dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	d := b.driver(w)
	if change != nil {
		change(d)
	}
	runErr := d.Time(ctx, b.plan, record.Native, leave, w.Timings())
	rec, err := record.Read(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	b.leftovers(t)
	return rec, runErr
}

// What is timed is never observed: no session is opened, nothing is followed.
func TestTimingArmsNothing(t *testing.T) {
	b := newTimedBench(t)
	rec, err := b.time(t, context.Background(), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.collector.opened != 0 || b.collector.closed != 0 {
		t.Errorf("the collector was opened %d times", b.collector.opened)
	}
	if len(rec.Timings) != 2 || len(rec.Results) != 0 || rec.Run.Ended == nil {
		t.Fatalf("%d timings, %d results, ended %v", len(rec.Timings), len(rec.Results), rec.Run.Ended)
	}
	r := rec.Timings[0]
	if r.Status != record.OK || r.StartUp == nil || r.Throughput.Connections != 3 || r.Latency.Asked != 100 || len(r.Calibration.Seconds) != calibrations || r.Place != record.Native {
		t.Errorf("timing = %+v", r)
	}
	// Weighed four times, and each time a byte lighter.
	if r.Memory.Steady != 96 || r.Memory.Peak != 99 {
		t.Errorf("memory = %+v", r.Memory)
	}
	if at := rec.Run.Timed[record.Native]; at == nil || at.Machine.Release != "6" || len(at.Variants) != 1 {
		t.Errorf("timed at %+v", at)
	}
}

// The counting pass comes after, and the run ends with it.
func TestTimingDoesNotEndARunThatCounts(t *testing.T) {
	b := newTimedBench(t)
	b.plan.Steps = b.plan.Timing.Steps
	rec, err := b.time(t, context.Background(), false, nil)
	if err != nil || rec.Run.Ended != nil {
		t.Errorf("ended %v, %v", rec.Run.Ended, err)
	}
}

func TestTimingFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoil  func(*bench)
		change func(*Driver)
		status record.Status
		reason string
	}{
		{"create fails", func(b *bench) {
			b.runtime.createErr = runtimes.WithRemedy(errors.New("no such platform"), "use another")
		}, nil, record.Failed, "create the sandbox: no such platform"},
		{"dead server", func(b *bench) { b.runtime.dies, b.workload.never = true, true }, nil, record.Failed, "ended before it was ready: exit status 7\noutput of the sandbox:\nlast words"},
		{"never ready", func(b *bench) { b.workload.never, b.plan.Deadline = true, 0.3 }, nil, record.Failed, "no end within the deadline of 0.3s"},
		{"wrong reply", func(b *bench) { b.workload.wrongAt = 1000 }, nil, record.Failed, "measure the throughput: wrong reply to ping: want pong, got pang"},
		{"rate not kept", func(b *bench) { b.workload.late = 0.02 }, nil, record.Degraded, "no latency: of the 100 requests a second that were asked for, the load generator could send 98"},
		{"delete fails", func(b *bench) { b.runtime.deleteErr = errors.New("busy") }, nil, record.Failed, "delete the sandbox: busy"},
		{"clock step", nil, func(d *Driver) {
			var calls time.Duration
			d.Clocks = func() (monotonic, wall time.Duration) { // the wall clock gains a second between two looks
				calls++
				return calls * 10 * time.Second, calls * 11 * time.Second
			}
		}, record.Failed, "the wall clock was set by 1s within 10s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newTimedBench(t)
			if tt.spoil != nil {
				tt.spoil(b)
			}
			rec, err := b.time(t, context.Background(), false, tt.change)
			if err != nil {
				t.Fatal(err)
			}
			if len(rec.Timings) != 2 {
				t.Fatalf("%d timings: one cell's fault must not end the run", len(rec.Timings))
			}
			r := rec.Timings[0]
			if r.Status != tt.status || !strings.Contains(r.Reason, tt.reason) {
				t.Errorf("got %s: %s\nwant %s: %s", r.Status, r.Reason, tt.status, tt.reason)
			}
			if r.Latency != nil || r.Status == record.Failed && (r.StartUp != nil || r.Throughput != nil || r.Memory != nil) {
				t.Errorf("numbers are kept: %+v", r)
			}
		})
	}
}

// A clock that is slewed is no clock that is set.
func TestSlewIsNoStep(t *testing.T) {
	var calls time.Duration
	d := &Driver{Clocks: func() (monotonic, wall time.Duration) {
		calls++
		return calls * 10 * time.Second, calls * (10*time.Second + 8*time.Millisecond)
	}}
	if err := d.watchClocks()(); err != nil {
		t.Error(err)
	}
	if err := (&Driver{}).watchClocks()(); err != nil {
		t.Error(err)
	}
}

func TestBusyGeneratorIsTold(t *testing.T) {
	b := newTimedBench(t)
	b.workload.busy = 0.95
	rec, err := b.time(t, context.Background(), false, nil)
	if err != nil || len(rec.Timings[0].Warnings) != 1 || !strings.Contains(rec.Timings[0].Warnings[0], "used 95 %") {
		t.Errorf("%+v, %v", rec.Timings[0].Warnings, err)
	}
}

// A variant that cannot run here is skipped, or left to another place.
func TestUnfitVariantIsLeft(t *testing.T) {
	missing := []record.Requirement{{Name: "runtime", Detail: "not in PATH", Remedy: "install it"}}
	b := newTimedBench(t)
	b.runtime.requirements = missing
	rec, err := b.time(t, context.Background(), true, nil)
	if err != nil || len(rec.Timings) != 0 || rec.Run.Ended != nil {
		t.Errorf("%d timings, ended %v, %v", len(rec.Timings), rec.Run.Ended, err)
	}
	rec, err = b.time(t, context.Background(), false, nil)
	if err != nil || len(rec.Timings) != 2 || rec.Timings[0].Status != record.Skipped || rec.Timings[0].Remedy != "install it" || rec.Run.Ended == nil {
		t.Errorf("%+v, %v", rec.Timings, err)
	}
}

func TestTimingIsRetried(t *testing.T) {
	b := newTimedBench(t)
	b.plan.Retries, b.runtime.createErr, b.runtime.createFails = 1, errors.New("no answer"), 2 // the rehearsal's is the first
	rec, err := b.time(t, context.Background(), false, nil)
	if err != nil || rec.Timings[0].Status != record.OK || len(rec.Timings[0].Retried) != 1 {
		t.Errorf("%+v, %v", rec.Timings[0], err)
	}
}

// What an interrupted repetition took is no timing, and a resumed run goes on.
func TestTimingIsInterruptedAndResumed(t *testing.T) {
	b := newTimedBench(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.workload.cancelAt, b.workload.cancel = 3, cancel // the second repetition's warm-up
	rec, err := b.time(t, ctx, false, nil)
	if !errors.Is(err, context.Canceled) || len(rec.Timings) != 1 || rec.Run.Ended != nil {
		t.Fatalf("%d timings, %v", len(rec.Timings), err)
	}
	b.workload.cancelAt = 0
	if rec, err = b.time(t, context.Background(), false, nil); err != nil || len(rec.Timings) != 2 || rec.Run.Ended == nil {
		t.Errorf("%d timings after the resume, %v", len(rec.Timings), err)
	}
}

func TestTimingPlanInterleaves(t *testing.T) {
	s := testScenario()
	s.Timing = &scenario.Timing{Repetitions: 3, Rate: 1}
	p := NewPlan(s)
	if len(p.Timing.Steps) != 18 || cmp.Equal(p.Steps[:18], p.Timing.Steps) {
		t.Fatalf("%d steps, want 18 in an order of their own", len(p.Timing.Steps))
	}
	for round := range 3 {
		seen := map[record.Cell]bool{}
		for _, s := range p.Timing.Steps[round*6 : round*6+6] {
			seen[s.Cell] = s.Repetition == round+1
		}
		if len(seen) != 6 {
			t.Errorf("round %d times %d cells, want 6", round+1, len(seen))
		}
	}
	if diff := cmp.Diff(p, NewPlan(s)); diff != "" {
		t.Error("the same seed gave another plan:", diff)
	}
	s.Repetitions = 0
	if p := NewPlan(s); len(p.Steps) != 0 || p.Repetitions != 0 {
		t.Errorf("%d steps are counted", len(p.Steps))
	}
}
