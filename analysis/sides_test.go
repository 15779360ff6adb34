package analysis_test

import (
	"slices"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

func TestSides(t *testing.T) {
	rec := testrecord.New()
	r := analysis.New(rec)
	sides := r.Sides()
	if len(sides) != 4 {
		t.Fatalf("%d phases, want one of each cell of gvisor-systrap", len(sides))
	}
	s := sides[0]
	if s.Variant != "gvisor-systrap" || s.Phase != record.Create {
		t.Errorf("%+v", s)
	}
	if !slices.Equal(s.Confined.Names, []string{"futex", "nanosleep"}) || slices.Contains(s.Unconfined.Names, "nanosleep") || !slices.Contains(s.Unconfined.Names, "futex") {
		t.Errorf("calls before %v, behind %v", s.Unconfined.Names, s.Confined.Names)
	}
	whole := r.Cell(s.Variant, s.Workload).Summary(record.Create, record.InProcess, analysis.UniqueFunctions)
	before, behind := s.Unconfined.Functions, s.Confined.Functions
	if before == nil || behind == nil || len(before.Union.Union(behind.Union)) != len(whole.Union) || s.Both <= 0 || before.Median+behind.Median <= whole.Median {
		t.Errorf("%+v of %+v", s, whole)
	}
	// The whole start is known on both sides only where both phases are.
	if c := r.Cell(s.Variant, s.Workload); c.Summary(analysis.CreateBoot, analysis.Confined, analysis.UniqueFunctions) != nil {
		t.Error("create+boot has sides, and boot has none")
	}
	set, n, err := r.Select(analysis.Selection{Phase: record.Create, Context: analysis.Confined})
	if err != nil || len(set) == 0 || n != len(sides)*3 {
		t.Errorf("%d functions of %d repetitions behind a filter: %v", len(set), n, err)
	}
}

// Records of before functions were told apart have the calls only.
func TestSidesOfCallsAlone(t *testing.T) {
	rec := testrecord.New()
	for i := range rec.Results {
		if p := rec.Results[i].Phase(record.Create); p != nil {
			p.Sides = nil
		}
	}
	sides := analysis.New(rec).Sides()
	if len(sides) != 4 || sides[0].Confined.Functions != nil || sides[0].Confined.Calls == nil {
		t.Errorf("%+v", sides)
	}
}

func TestNablaBeside(t *testing.T) {
	rec := testrecord.New()
	if got := analysis.New(rec).NablaBeside(); got != "" {
		t.Errorf("without Nabla: %s", got)
	}
	rename(rec, "crun", "nabla-container")
	got := analysis.New(rec).NablaBeside()
	if !strings.Contains(got, "nabla-container × redis-set 0.96") || !strings.Contains(got, "; published 0.30–0.52. ") {
		t.Error(got)
	}
}

// rename gives a variant another name.
func rename(rec *record.Record, from, to string) {
	for i, v := range rec.Run.Plan.Variants {
		if v == from {
			rec.Run.Plan.Variants[i] = to
		}
	}
	for i := range rec.Run.Plan.Steps {
		if s := &rec.Run.Plan.Steps[i]; s.Variant == from {
			s.Variant = to
		}
	}
	for i := range rec.Results {
		if rec.Results[i].Variant == from {
			rec.Results[i].Variant = to
		}
	}
}
