package analysis_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// TestCombinations holds the division of functions to what sets say of each of them.
func TestCombinations(t *testing.T) {
	r := analysis.New(testrecord.New())
	for _, s := range r.Sharings() {
		seen := analysis.Set{}
		for i, c := range s.Combinations {
			if i > 0 && len(c.Functions) > len(s.Combinations[i-1].Functions) {
				t.Errorf("%s: combination %d has more functions than the one before", s.Workload, i)
			}
			if len(seen.Intersect(c.Functions)) > 0 {
				t.Errorf("%s: a function is in two combinations", s.Workload)
			}
			seen = seen.Union(c.Functions)
			for j, v := range s.Variants {
				all := r.Cell(v, s.Workload).HAP().Union
				common := len(all.Intersect(c.Functions))
				if want := map[bool]int{true: len(c.Functions)}[slices.Contains(c.Members, j)]; common != want {
					t.Errorf("%s: %s has %d functions of combination %v, want %d", s.Workload, v, common, c.Members, want)
				}
			}
		}
		for j, v := range s.Variants {
			if all := r.Cell(v, s.Workload).HAP().Union; len(all.Minus(seen)) > 0 || s.Sizes[j] != len(all) {
				t.Errorf("%s: functions of %s are in no combination", s.Workload, v)
			}
		}
	}
}

func TestReached(t *testing.T) {
	reached := analysis.New(small()).Reached()
	var functions []int
	for _, f := range reached {
		functions = append(functions, f.Function)
	}
	if d := cmp.Diff([]int{0, 1, 2, 3, 4, 5}, functions); d != "" {
		t.Fatal(d)
	}
	// Function 2 (c) is entered by x in a softirq of all phases and in process context of
	// the steady state.
	x, y := reached[2].Variants[0], reached[2].Variants[1]
	if d := cmp.Diff([]record.Phase{record.Steady}, x.Phases(record.InProcess)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]record.Phase{record.Create, record.Boot, record.Steady}, x.Phases(record.InSoftIRQ)); d != "" {
		t.Error(d)
	}
	if y.Phases(record.InProcess) != nil || x.Phases(record.Unattributed) != nil {
		t.Errorf("y: %v, x in no one's name: %v", y.Phases(record.InProcess), x.Phases(record.Unattributed))
	}
}
