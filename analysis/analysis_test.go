package analysis_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

const kernel = "0123456789abcdef"

// hits enters each of the functions once.
func hits(functions ...int) []record.Hit {
	out := make([]record.Hit, len(functions))
	for i, f := range functions {
		out[i] = record.Hit{Function: f, Count: 1}
	}
	return out
}

// small is a record whose every number can be worked out by hand.
func small() *record.Record {
	rec := &record.Record{Tables: map[string][]record.Function{kernel: {
		{Symbol: "a"}, {Symbol: "b", Offset: 1}, {Symbol: "c", Offset: 2}, {Symbol: "d", Offset: 3}, {Symbol: "d", Offset: 4}, {Module: "m", Symbol: "e"},
	}}}
	rec.Run.Schema = record.SchemaVersion
	rec.Run.Plan = record.Plan{Variants: []string{"x", "y"}, Workloads: []string{"w"}, Repetitions: 3, Settle: 5}
	for n := range 3 {
		for _, v := range rec.Run.Plan.Variants {
			rec.Run.Plan.Steps = append(rec.Run.Plan.Steps, record.Step{Cell: record.Cell{Variant: v, Workload: "w"}, Repetition: n + 1})
		}
	}
	add := func(variant string, repetition int, process, softirq, hardirq []record.Hit) {
		phase := func(p record.Phase, process []record.Hit) record.PhaseResult {
			return record.PhaseResult{Phase: p, Sighting: record.Sighting{Events: 5, Functions: map[record.Context][]record.Hit{
				record.InProcess: process, record.InSoftIRQ: softirq, record.InHardIRQ: hardirq,
			}}, Syscalls: map[string]uint64{"read": 10 * uint64(repetition), string(p): 1}}
		}
		rec.Results = append(rec.Results, record.Result{Variant: variant, Workload: "w", Repetition: repetition, Status: record.OK, Kernel: kernel,
			Phases: []record.PhaseResult{phase(record.Create, hits(5)), phase(record.Boot, hits(0, 1)), phase(record.Steady, process)}})
	}
	add("x", 1, hits(0, 1), hits(2), hits(2, 3))
	add("x", 2, hits(0, 2), hits(2), hits(3))
	add("x", 3, hits(0, 1, 2), hits(), hits())
	add("y", 2, hits(0), hits(1, 2, 3, 4), hits(5))
	add("y", 1, hits(5), hits(1, 2, 3, 4), hits(5))
	return rec
}

func TestSummaries(t *testing.T) {
	r := analysis.New(small())
	x := r.Cell("x", "w")
	tests := []struct {
		phase                     record.Phase
		context                   record.Context
		metric                    analysis.Metric
		median, low, high         float64
		union, intersection, reps int
	}{
		{record.Steady, record.InProcess, analysis.UniqueFunctions, 2, 2, 3, 3, 1, 3},
		{record.Steady, record.InSoftIRQ, analysis.UniqueFunctions, 1, 0, 1, 1, 0, 3},
		{record.Steady, analysis.Interrupt, analysis.UniqueFunctions, 2, 0, 2, 2, 0, 3},
		{record.Steady, analysis.Any, analysis.UniqueFunctions, 3, 3, 4, 4, 2, 3},
		{analysis.CreateBoot, record.InProcess, analysis.UniqueFunctions, 3, 3, 3, 3, 3, 3},
		{record.Steady, record.InProcess, analysis.UniqueSyscalls, 2, 2, 2, 0, 0, 3},
		{analysis.CreateBoot, record.InProcess, analysis.UniqueSyscalls, 3, 3, 3, 0, 0, 3},
		{record.Steady, record.InProcess, analysis.Syscalls, 21, 11, 31, 0, 0, 3},
		{analysis.CreateBoot, record.InProcess, analysis.Syscalls, 42, 22, 62, 0, 0, 3},
	}
	for _, test := range tests {
		s := x.Summary(test.phase, test.context, test.metric)
		if s == nil {
			t.Errorf("%s %s %s: no summary", test.phase, test.context, test.metric)
			continue
		}
		if s.Median != test.median || s.Min != test.low || s.Max != test.high || s.N != test.reps ||
			len(s.Union) != test.union || len(s.Intersection) != test.intersection {
			t.Errorf("%s %s %s: got %+v, want %+v", test.phase, test.context, test.metric, s, test)
		}
	}
	if s := x.Summary(record.Teardown, record.InProcess, analysis.UniqueFunctions); s != nil {
		t.Errorf("a phase that was not measured has %+v", s)
	}
	if s := x.Summary(record.Steady, record.InSoftIRQ, analysis.Syscalls); s != nil {
		t.Errorf("system calls in an interrupt: %+v", s)
	}
}

func TestEvenMedianAndDeviation(t *testing.T) {
	y := analysis.New(small()).Cell("y", "w")
	s := y.Summary(record.Steady, record.InProcess, analysis.Syscalls)
	if s.Median != 16 || s.Mean != 16 || s.SD < 7.07 || s.SD > 7.08 { // of 11 and 21
		t.Errorf("got %+v", s)
	}
}

func TestMissingRepetition(t *testing.T) {
	r := analysis.New(small())
	y := r.Cell("y", "w")
	if y.Status != analysis.Missing || y.Counts[analysis.Missing] != 1 || y.Measured() != 2 {
		t.Errorf("got %s, %v", y.Status, y.Counts)
	}
	if x := r.Cell("x", "w"); x.Status != record.OK {
		t.Errorf("x: %s", x.Status)
	}
}

func TestRankingTurns(t *testing.T) {
	for _, k := range analysis.New(small()).Rankings() {
		first := k.Ranks[0].Variant
		switch k.Context {
		case record.InProcess: // y has 1, x has 2
			if first != "y" || k.Turned || k.Ranks[1].Overlaps {
				t.Errorf("process: %+v", k)
			}
		case analysis.Any: // x has 3, y has 5 or 6
			if first != "x" || !k.Turned {
				t.Errorf("any: %+v", k)
			}
		}
	}
}

func TestSharing(t *testing.T) {
	s := analysis.New(small()).Sharings()
	want := []analysis.Sharing{{
		Workload: "w", Variants: []string{"x", "y"}, Sizes: []int{3, 2}, Shared: analysis.Set{0},
		Private: []analysis.Set{{1, 2}, {5}}, Jaccard: [][]float64{{1, 0.25}, {0.25, 1}},
		Combinations: []analysis.Combination{{Members: []int{0}, Functions: analysis.Set{1, 2}}, {Members: []int{0, 1}, Functions: analysis.Set{0}}, {Members: []int{1}, Functions: analysis.Set{5}}},
	}}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
}

func TestTwoKernels(t *testing.T) {
	rec := small()
	const other = "fedcba9876543210"
	rec.Tables[other] = []record.Function{{Symbol: "a"}, {Symbol: "z"}}
	r := &rec.Results[1]
	r.Kernel = other
	for i := range r.Phases {
		r.Phases[i].Functions = map[record.Context][]record.Hit{record.InProcess: hits(0)}
	}
	report := analysis.New(rec)
	if report.Sharings() != nil {
		t.Error("sets of two kernels were compared")
	}
	if !slices.ContainsFunc(report.Warnings, func(w analysis.Warning) bool { return w.Kind == analysis.WarnKernels }) {
		t.Errorf("no warning: %v", report.Warnings)
	}
	if !strings.Contains(report.Verdict(), "mixes kernels") {
		t.Error(report.Verdict())
	}
	if s := report.Cell("x", "w").HAP(); len(s.Intersection) != 0 {
		t.Errorf("functions of two kernels were taken for the same: %v", s.Intersection)
	}
}

// Where there is no create, the start is boot alone.
func TestStartWithoutCreate(t *testing.T) {
	rec := small()
	for i := range rec.Results {
		rec.Results[i].Phases = rec.Results[i].Phases[1:]
	}
	s := analysis.New(rec).Cell("x", "w").Summary(analysis.CreateBoot, record.InProcess, analysis.UniqueFunctions)
	if s == nil || s.Median != 2 {
		t.Errorf("summary = %+v", s)
	}
}

func TestSelect(t *testing.T) {
	r := analysis.New(small())
	tests := []struct {
		selection   analysis.Selection
		want        []string
		repetitions int
	}{
		{analysis.Selection{Variant: "x", Phase: record.Steady, Context: record.InProcess}, []string{"a", "b", "c"}, 3},
		{analysis.Selection{Variant: "y", Phase: record.Steady}, []string{"a", "b", "c", "d@0x3", "d@0x4", "e [m]"}, 2},
		{analysis.Selection{Phase: analysis.CreateBoot, Context: record.InProcess}, []string{"a", "b", "e [m]"}, 5},
		{analysis.Selection{Phase: record.Teardown}, []string{}, 0},
	}
	for _, test := range tests {
		set, n, err := r.Select(test.selection)
		if err != nil {
			t.Error(err)
		}
		if got := r.Names(set); !slices.Equal(got, test.want) || n != test.repetitions {
			t.Errorf("%+v: got %v of %d repetitions", test.selection, got, n)
		}
	}
	if _, _, err := r.Select(analysis.Selection{Variant: "z"}); err == nil || !strings.Contains(err.Error(), "x, y") {
		t.Errorf("unknown variant: %v", err)
	}
}

func TestVerdict(t *testing.T) {
	got := analysis.New(small()).Verdict()
	want := "In the steady state, y made the host's kernel run the fewest unique functions under w: 1 (median, process context), against 2 with x. Of 2 cells: 1 ok, 1 missing; one of these has numbers, of its other repetitions."
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEveryStatus(t *testing.T) {
	r := analysis.New(testrecord.New())
	for cell, want := range map[record.Cell]record.Status{
		{Variant: "runc", Workload: "redis-set"}:               record.OK,
		{Variant: "gvisor-systrap", Workload: "redis-get"}:     record.Degraded,
		{Variant: "gvisor-kvm", Workload: "redis-set"}:         record.Skipped,
		{Variant: "gvisor-ptrace", Workload: "node-express"}:   record.Failed,
		{Variant: "crun", Workload: "python-tornado"}:          record.Failed,
		{Variant: "crun", Workload: "node-express"}:            analysis.Missing,
		{Variant: "gvisor-ptrace", Workload: "python-tornado"}: analysis.Missing,
	} {
		c := r.Cell(cell.Variant, cell.Workload)
		if c.Status != want {
			t.Errorf("%s: %s, want %s", cell, c.Status, want)
		}
		if want != record.OK && len(c.Troubles) == 0 {
			t.Errorf("%s: %s without a reason", cell, c.Status)
		}
	}
	if s := r.Cell("crun", "python-tornado").HAP(); s == nil || s.N != 2 {
		t.Errorf("the two repetitions that did not fail: %+v", s)
	}
}

// TestRowsHoldEveryRepetition makes sure that none is left out without a word.
func TestRowsHoldEveryRepetition(t *testing.T) {
	r := analysis.New(testrecord.New())
	seen := map[record.Step]bool{}
	for _, row := range r.Rows() {
		if row.Key == analysis.HAP() {
			seen[record.Step{Cell: row.Cell, Repetition: row.Repetition}] = true
			if (row.Value == nil) != (row.Status != record.OK && row.Status != record.Degraded) {
				t.Errorf("%s repetition %d is %s with value %v", row.Cell, row.Repetition, row.Status, row.Value)
			}
		}
	}
	if len(seen) != len(r.Run.Plan.Steps) {
		t.Errorf("%d of %d repetitions", len(seen), len(r.Run.Plan.Steps))
	}
}
