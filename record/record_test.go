package record_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hapscope/record"
)

const kernel = "0123456789abcdef0123456789abcdef01234567"

var cell = record.Cell{Variant: "runc", Workload: "redis-set"}

var universe = []record.Function{
	{Symbol: "do_syscall_64", Offset: 0x1000},
	{Symbol: "cleanup", Offset: 0x2000},
	{Symbol: "cleanup", Offset: 0x2040}, // a duplicate static: another function
	{Module: "veth", Symbol: "veth_xmit", Offset: 0x10},
}

// sampleRun returns a run with three planned repetitions of one cell.
func sampleRun() record.Run {
	plan := record.Plan{
		Scenario: "smoke", Variants: []string{cell.Variant}, Workloads: []string{cell.Workload},
		Repetitions: 3, Load: record.Load{Mode: "paced", Requests: 300, Rate: 100, RequestsPerConnection: 10}, Settle: 2, Deadline: 60, Seed: 7,
	}
	for n := range 3 {
		plan.Steps = append(plan.Steps, record.Step{Cell: cell, Repetition: n + 1})
	}
	return record.Run{ID: "t", Created: time.Unix(1e9, 0).UTC(), Hapscope: record.Build{Version: "test", Go: "go1.26"},
		Plan: plan, Where: "lab", Why: "the test says so"}
}

// sampleResult returns a sound repetition.
func sampleResult(repetition int) record.Result {
	return record.Result{
		Variant: cell.Variant, Workload: cell.Workload, Repetition: repetition, Status: record.OK,
		Started: time.Unix(1e9, 0).UTC(), Seconds: 3, Kernel: kernel,
		Phases: []record.PhaseResult{{
			Phase: record.Steady, Seconds: 2,
			Sighting: record.Sighting{Events: 12, Functions: map[record.Context][]record.Hit{
				record.InProcess: {{Function: 0, Count: 10}, {Function: 3, Count: 1}},
				record.InSoftIRQ: {{Function: 2, Count: 1}},
			}},
			Syscalls: map[string]uint64{"read": 5},
			VM:       map[record.VMEvent]map[string]uint64{record.VMExit: {"npf": 3}},
			Vhost:    map[record.VhostEvent]map[string]uint64{record.VhostKick: {"net tx": 2}},
		}},
		Load: &record.LoadResult{Mode: "paced", Rate: 100, Requests: 300, Correct: 300, Seconds: 2},
	}
}

// newRecord makes a run directory with the given repetitions and closes it.
func newRecord(t *testing.T, repetitions ...int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "run")
	w, err := record.NewWriter(dir, sampleRun())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Functions(kernel, universe); err != nil {
		t.Fatal(err)
	}
	for _, n := range repetitions {
		if err := w.Append(sampleResult(n)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRoundTrip(t *testing.T) {
	dir := newRecord(t, 1, 2)
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []record.Result{sampleResult(1), sampleResult(2)}
	if d := cmp.Diff(want, rec.Results); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string][]record.Function{kernel: universe}, rec.Tables); d != "" {
		t.Error(d)
	}
	run := sampleRun()
	run.Schema = record.SchemaVersion
	if d := cmp.Diff(run, rec.Run); d != "" {
		t.Error(d)
	}
	if len(rec.Warnings) > 0 {
		t.Error(rec.Warnings)
	}
}

func TestUpdateRun(t *testing.T) {
	dir := newRecord(t)
	w, _, _, err := record.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.UpdateRun(func(r *record.Run) { r.Machine = &record.Machine{Release: "6.12"} }); err != nil {
		t.Fatal(err)
	}
	if err := w.UpdateRun(func(r *record.Run) { r.Where = "moon" }); err == nil {
		t.Error("a run that cannot be read back was accepted")
	}
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Run.Machine.Release != "6.12" || rec.Run.Where != "lab" {
		t.Errorf("got %+v", rec.Run)
	}
	if err := os.WriteFile(filepath.Join(dir, "run.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := w.UpdateRun(func(*record.Run) {}); !errors.Is(err, record.ErrSchema) {
		t.Errorf("what another has written was not looked at: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".run.json*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNewWriterRefusesFullDirectory(t *testing.T) {
	dir := newRecord(t)
	if _, err := record.NewWriter(dir, sampleRun()); !errors.Is(err, record.ErrNotEmpty) {
		t.Errorf("got %v", err)
	}
}

func TestTwoWriters(t *testing.T) {
	dir := newRecord(t)
	w, _, _, err := record.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := record.OpenWriter(dir); !errors.Is(err, record.ErrLocked) {
		t.Errorf("second writer: %v", err)
	}
	w.Close()
	w, _, _, err = record.OpenWriter(dir)
	if err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	w.Close()
}

// cutShort leaves of a file's last line what a killed writer may leave.
func cutShort(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content[:len(content)-9], 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestResumeCutsHalfLine(t *testing.T) {
	dir := newRecord(t, 1, 2)
	cutShort(t, filepath.Join(dir, "results.jsonl"))
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Results) != 1 || len(rec.Warnings) != 1 || !strings.Contains(rec.Warnings[0], "line 2") {
		t.Fatalf("reader: %d results, warnings %q", len(rec.Results), rec.Warnings)
	}
	w, run, results, err := record.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if len(results) != 1 || run.ID != "t" || len(w.Warnings()) != 1 {
		t.Fatalf("writer: %d results, warnings %q", len(results), w.Warnings())
	}
	for n := 2; n <= 3; n++ {
		if err := w.Append(sampleResult(n)); err != nil {
			t.Fatal(err)
		}
	}
	if rec, err = record.Read(dir); err != nil || len(rec.Results) != 3 || len(rec.Warnings) != 0 {
		t.Fatalf("after resume: %v, %+v", err, rec)
	}
}

func TestFunctionsKeepTheirIndex(t *testing.T) {
	dir := newRecord(t)
	w, _, _, err := record.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	added := record.Function{Module: "kvm", Symbol: "kvm_vcpu_run", Offset: 0x30}
	index, err := w.Functions(kernel, []record.Function{added, universe[3], universe[0], added})
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{4, 3, 0, 4}; !slices.Equal(index, want) {
		t.Errorf("got %v, want %v", index, want)
	}
	if err := w.Append(sampleResult(1)); err != nil {
		t.Fatal(err)
	}
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := rec.Tables[kernel]; len(got) != 5 || got[4] != added {
		t.Errorf("table: %v", got)
	}
}

func TestAppendRefusesUnsound(t *testing.T) {
	tests := []struct {
		name   string
		change func(*record.Result)
		want   string
	}{
		{"failed without reason", func(r *record.Result) { r.Status = record.Failed }, "without a reason"},
		{"unknown status", func(r *record.Result) { r.Status = "fine" }, "status"},
		{"no phase", func(r *record.Result) { r.Phases = nil }, "without a phase"},
		{"phase twice", func(r *record.Result) { r.Phases = append(r.Phases, r.Phases[0]) }, "twice"},
		{"hit outside", func(r *record.Result) {
			r.Phases[0].Functions = map[record.Context][]record.Hit{record.InProcess: {{Function: 4, Count: 1}}}
		}, "outside the table"},
		{"hits unsorted", func(r *record.Result) {
			r.Phases[0].Functions = map[record.Context][]record.Hit{record.InProcess: {{Function: 2, Count: 1}, {Function: 1, Count: 1}}}
		}, "must ascend"},
		{"ok with losses", func(r *record.Result) { r.Phases[0].Lost = []uint64{0, 3} }, "lost 3 events"},
		{"unknown context", func(r *record.Result) {
			r.Phases[0].Functions = map[record.Context][]record.Hit{"nmi": nil}
		}, "context"},
		{"unknown event", func(r *record.Result) { r.Phases[0].VM = map[record.VMEvent]map[string]uint64{"entry": nil} }, "kind of event"},
		{"unknown event of vhost", func(r *record.Result) { r.Phases[0].Vhost = map[record.VhostEvent]map[string]uint64{"exit": nil} }, "kind of event"},
		{"no kick", func(r *record.Result) { r.Phases[0].Vhost[record.VhostKick]["net rx"] = 0 }, "happened 0 times"},
		{"no kernel", func(r *record.Result) { r.Kernel = "" }, "build id"},
	}
	w, err := record.NewWriter(filepath.Join(t.TempDir(), "run"), sampleRun())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Functions(kernel, universe); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := sampleResult(1)
			test.change(&r)
			if err := w.Append(r); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want something with %q", err, test.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	edit := func(file, old, new string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, file)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(b), old) {
				t.Fatalf("%s holds no %q", file, old)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	const table = "functions-0123456789ab.csv"
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		want   string
	}{
		{"another schema", edit("run.json", "hapscope/1", "hapscope/9"), `run.json: schema "hapscope/9": unknown schema version`},
		{"unknown key in run", edit("run.json", `"why"`, `"wye"`), "run.json"},
		{"unknown key in result", edit("results.jsonl", `"seconds"`, `"minutes"`), "results.jsonl:1"},
		{"repetition twice", edit("results.jsonl", `"repetition":2`, `"repetition":1`), "results.jsonl:2: runc × redis-set repetition 1 is already in line 1"},
		{"not planned", edit("results.jsonl", `"repetition":2`, `"repetition":4`), "results.jsonl:2: runc × redis-set repetition 4 is not in the plan"},
		{"wrong index", edit(table, "\n2,", "\n7,"), table + `:4: index "7", want 2`},
		{"same function twice", edit(table, "cleanup,0x2040", "cleanup,0x2000"), table + ":4: cleanup+0x2000 is already index 1"},
		{"no hexadecimal offset", edit(table, "0x2040", "8256"), table + ":4"},
		{"table too short", edit(table, "3,veth,veth_xmit,0x10\n", ""), "results.jsonl:1: phase steady: context process: function 3 is outside the table"},
		{"no table", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, table)) }, "function table of kernel 0123"},
		{"no run", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "run.json")) }, "not a run directory"},
		{"no results", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "results.jsonl")) }, "results.jsonl"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := newRecord(t, 1, 2)
			test.change(t, dir)
			if _, err := record.Read(dir); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want something with %q", err, test.want)
			}
		})
	}
}
