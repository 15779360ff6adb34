package record_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// timedRun is a run in which two repetitions of one cell are timed, and none counted.
func timedRun() record.Run {
	run := sampleRun()
	run.Plan.Repetitions, run.Plan.Steps = 0, []record.Step{}
	run.Plan.Timing = &record.TimingPlan{Repetitions: 2, Throughput: 5, Connections: 50, Latency: 5, Rate: 100, WarmUp: 2, Where: "auto",
		Steps: []record.Step{{Cell: cell, Repetition: 1}, {Cell: cell, Repetition: 2}}}
	run.Timed = map[record.Place]*record.TimedAt{record.Native: {
		Machine: &record.Machine{Mitigations: map[string]string{}, Modules: []string{}}, Tools: []record.Tool{{Name: "runc"}}, Images: map[string]string{"tools": "0123456789ab"},
		Packages: []record.Package{{Image: "userland", Name: "runc", Version: "1"}},
		Variants: []record.VariantInfo{{Name: "runc", Requirements: []record.Requirement{}}},
	}}
	return run
}

func sampleTiming(repetition int) record.Timing {
	startUp := 0.25
	return record.Timing{
		Variant: cell.Variant, Workload: cell.Workload, Repetition: repetition, Status: record.OK, Place: record.Native,
		Started: time.Unix(1e9, 0).UTC(), Seconds: 14, StartUp: &startUp,
		Throughput: &record.Throughput{Generator: "redis-benchmark 8.0.2", Connections: 50, Requests: 500000, Seconds: 5, CPU: 4.9, GeneratorCPU: 4.5},
		Latency: &record.Latency{Generator: "vegeta v12.13.0", Asked: 100, Kept: 99.9, Requests: 3, Seconds: 5,
			Histogram: []record.Bucket{{Seconds: 0.001, Count: 2}, {Seconds: 0.002, Count: 1}}},
		Memory:      &record.Memory{Source: "memory.current", Steady: 9 << 20, Peak: 10 << 20},
		Calibration: &record.Calibration{Seconds: []float64{0.02, 0.021}},
	}
}

func writeTimings(t *testing.T, repetitions ...int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "run")
	w, err := record.NewWriter(dir, timedRun())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, n := range repetitions {
		if err := w.AppendTiming(sampleTiming(n)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTimingsRoundTrip(t *testing.T) {
	dir := writeTimings(t, 1, 2)
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]record.Timing{sampleTiming(1), sampleTiming(2)}, rec.Timings); d != "" {
		t.Error(d)
	}
	want := timedRun()
	want.Schema = record.SchemaVersion
	if d := cmp.Diff(want, rec.Run); d != "" {
		t.Error(d)
	}
	testrecord.Validate(t, dir)
}

func TestResumeCutsHalfTiming(t *testing.T) {
	dir := writeTimings(t, 1, 2)
	cutShort(t, filepath.Join(dir, "timings.jsonl"))
	rec, err := record.Read(dir)
	if err != nil || len(rec.Timings) != 1 || len(rec.Warnings) != 1 || !strings.Contains(rec.Warnings[0], "timings.jsonl: line 2") {
		t.Fatalf("reader: %v, %+v", err, rec)
	}
	w, _, _, err := record.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if len(w.Timings()) != 1 || len(w.Warnings()) != 1 {
		t.Fatalf("writer: %d timings, warnings %q", len(w.Timings()), w.Warnings())
	}
	if err := w.AppendTiming(sampleTiming(2)); err != nil {
		t.Fatal(err)
	}
	if rec, err = record.Read(dir); err != nil || len(rec.Timings) != 2 || len(rec.Warnings) != 0 {
		t.Fatalf("after resume: %v, %+v", err, rec)
	}
}

func TestUnsoundTimingsAreRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*record.Timing)
		want   string
	}{
		{"failed without reason", func(r *record.Timing) { r.Status = record.Failed }, "without a reason"},
		{"failed with a number", func(r *record.Timing) { r.Status, r.Reason = record.Failed, "x" }, "with a number"},
		{"ok without one", func(r *record.Timing) { r.StartUp, r.Throughput, r.Latency, r.Memory = nil, nil, nil, nil }, "without a number"},
		{"no place", func(r *record.Timing) { r.Place = "moon" }, "place"},
		{"no time", func(r *record.Timing) { r.Throughput.Seconds = 0 }, "throughput: 0 is not positive"},
		{"no request", func(r *record.Timing) { r.Throughput.Requests = 0 }, "0 requests"},
		{"replies missing", func(r *record.Timing) { r.Latency.Requests = 4 }, "the histogram holds 3"},
		{"buckets unsorted", func(r *record.Timing) { r.Latency.Histogram[1].Seconds = 0.001 }, "must ascend"},
		{"peak below", func(r *record.Timing) { r.Memory.Peak = 1 }, "memory"},
		{"empty calibration", func(r *record.Timing) { r.Calibration.Seconds = nil }, "no loop"},
	}
	w, err := record.NewWriter(filepath.Join(t.TempDir(), "run"), timedRun())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := sampleTiming(1)
			test.change(&r)
			if err := w.AppendTiming(r); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want something with %q", err, test.want)
			}
		})
	}
}

func TestTimingsNotPlanned(t *testing.T) {
	dir := writeTimings(t, 1)
	path := filepath.Join(dir, "timings.jsonl")
	content, _ := os.ReadFile(path)
	for old, want := range map[string]string{
		`"repetition":1`: "timings.jsonl:1: runc × redis-set repetition 7 is not in the plan",
		`"place"`:        "timings.jsonl:1",
	} {
		changed := strings.Replace(string(content), old, map[string]string{`"repetition":1`: `"repetition":7`, `"place"`: `"spot"`}[old], 1)
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := record.Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
