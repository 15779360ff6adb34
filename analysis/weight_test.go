package analysis_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hapscope/analysis"
	"hapscope/analysis/code"
	"hapscope/record"
)

// sizes is a table of the kernel of small.
func sizes(t *testing.T, functions ...code.Function) *code.Table {
	t.Helper()
	if len(functions) == 0 {
		functions = []code.Function{
			{Offset: 0, Bytes: 10, File: "net/ipv4/tcp.c", Line: 7, Lines: 1},
			{Offset: 1, Bytes: 20, File: "net/ipv4/udp.c", Line: 8, Lines: 2},
			{Offset: 2, Bytes: 100, File: "mm/slub.c", Line: 9, Lines: 3},
			{Offset: 3, Bytes: 200, File: "mm/mmap.c", Line: 9, Lines: 4},
			{Offset: 4, Bytes: 400, File: "fs/open.c", Line: 9, Lines: 5},
			{Module: "m", Bytes: 1000, File: "drivers/m/m.c", Line: 1, Lines: 50},
		}
	}
	table, err := code.NewTable(kernel, functions)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestWeightsAreSumsOverTheSets(t *testing.T) {
	r := analysis.New(small(), sizes(t))
	for _, c := range []struct {
		variant          string
		key              analysis.Key
		median, min, max float64
	}{
		{"x", analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: analysis.CodeBytes}, 110, 30, 130},
		{"x", analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: analysis.SourceLines}, 4, 3, 6},
		{"y", analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: analysis.CodeBytes}, 505, 10, 1000},
		// In a union a function that ran in several contexts or phases counts once.
		{"x", analysis.Key{Phase: record.Steady, Context: analysis.Any, Metric: analysis.CodeBytes}, 310, 130, 330},
		{"x", analysis.Key{Phase: analysis.CreateBoot, Context: record.InProcess, Metric: analysis.SourceLines}, 53, 53, 53},
	} {
		s := r.Cell(c.variant, "w").Summary(c.key.Phase, c.key.Context, c.key.Metric)
		if s == nil || s.Median != c.median || s.Min != c.min || s.Max != c.max {
			t.Errorf("%s, %v: %+v, want %g [%g–%g]", c.variant, c.key, s, c.median, c.min, c.max)
		}
	}
}

func TestWithoutATableThereAreNoWeights(t *testing.T) {
	r := analysis.New(small())
	if s := r.Cell("x", "w").Summary(record.Steady, record.InProcess, analysis.CodeBytes); s != nil {
		t.Errorf("code-bytes without a table: %+v", s)
	}
	for _, row := range r.Rows() {
		if row.Metric == analysis.CodeBytes || row.Metric == analysis.SourceLines {
			t.Fatalf("a row without a table: %+v", row)
		}
	}
	if !warned(r, analysis.WarnCode, "there is no table of the source of kernel 0123456789ab, so code-bytes and source-lines are not known, and of 0 functions the subsystem is guessed by their names; of 6 more it is not known") {
		t.Errorf("no warning: %+v", r.Warnings)
	}
	if k := r.WeightedRankings(); len(k) != 1 || k[0].Metric != analysis.UniqueFunctions {
		t.Errorf("rankings by what is not known: %+v", k)
	}
}

func TestFunctionsWithoutASizeAreCounted(t *testing.T) {
	r := analysis.New(small(), sizes(t, code.Function{Offset: 0, Bytes: 10, File: "a.c", Line: 1, Lines: 2}, code.Function{Offset: 1, Bytes: 5}))
	if w := r.Weigh(analysis.Set{0, 1, 2}); w != (analysis.Weight{Functions: 3, Bytes: 15, Lines: 2, Unsized: 2}) {
		t.Errorf("weight %+v", w)
	}
	if !warned(r, analysis.WarnCode, "of 5 of the 6 functions of kernel 0123456789ab that ran the size is not known") {
		t.Errorf("no warning: %+v", r.Warnings)
	}
}

func TestWeightsMayTurnTheOrderRound(t *testing.T) {
	rec := small()
	for i := range rec.Results { // y runs one function, but the largest
		if r := &rec.Results[i]; r.Variant == "y" {
			r.Phase(record.Steady).Functions[record.InProcess] = hits(5)
		}
	}
	r := analysis.New(rec, sizes(t))
	turned := map[analysis.Metric]bool{}
	for _, k := range r.WeightedRankings() {
		turned[k.Metric] = k.Turned
	}
	if diff := cmp.Diff(map[analysis.Metric]bool{analysis.UniqueFunctions: false, analysis.CodeBytes: true, analysis.SourceLines: true}, turned); diff != "" {
		t.Error(diff)
	}
	if !warned(r, analysis.WarnWeights, "w under code-bytes, source-lines") {
		t.Errorf("no warning: %+v", r.Warnings)
	}
	if r := analysis.New(small(), sizes(t)); warned(r, analysis.WarnWeights, "") {
		t.Error("repetitions that overlap have no order that could turn")
	}
}

func TestSubsystems(t *testing.T) {
	r := analysis.New(small(), sizes(t))
	s := r.SubsystemsOf("w")
	got := map[string][]int{}
	var order []string
	for _, row := range s.Rows {
		order = append(order, row.Name)
		for _, w := range row.Weights {
			got[row.Name] = append(got[row.Name], w.Functions)
		}
	}
	// Over all repetitions x ran a, b and c, and y ran a and e.
	if diff := cmp.Diff(map[string][]int{"net/ipv4": {2, 1}, "mm": {1, 0}, "drivers/m": {0, 1}}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"net/ipv4", "drivers/m", "mm"}, order); diff != "" {
		t.Error(diff)
	}
	if s.Total[0] != (analysis.Weight{Functions: 3, Bytes: 130, Lines: 6}) || s.Approximate != 0 {
		t.Errorf("in all %+v, of which approximate %d", s.Total, s.Approximate)
	}
	top := s.Top(1)
	if len(top) != 2 || top[1].Name != "2 others" || top[1].Weights[1].Bytes != 1000 || len(top[1].Sets[0]) != 1 {
		t.Errorf("the largest one and the others: %+v", top)
	}
	if unknown := analysis.New(small()).SubsystemsOf(""); unknown.Approximate != 4 || unknown.Unplaced != 4 || unknown.Top(9)[0].Name != "not known" {
		t.Errorf("without a table: %+v", unknown)
	}
}
