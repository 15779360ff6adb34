//go:build lab

package ftrace

import (
	"slices"
	"testing"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
	"hapscope/collectors/internal/labtest"
	"hapscope/record"
)

// sidesOfFilters asks on which side of a filter the functions of calls are, and the
// filter's own.
func sidesOfFilters(t *testing.T, s *Session) {
	labtest.Sides(t, s, func(t *testing.T, o collectors.Observation, want labtest.Sided) {
		if o.Sides == nil {
			t.Fatal("nothing is told apart")
		}
		t.Logf("%d installed; %d functions before, %d behind", o.Sides.Installed, len(o.Sides.Unconfined), len(o.Sides.Confined))
		for name := range merged(want) {
			for side, functions := range map[string][]int{"unconfined": o.Sides.Unconfined, "confined": o.Sides.Confined} {
				wanted := map[string]map[string]uint64{"unconfined": want.Unconfined, "confined": want.Confined}[side][name] > 0
				if n := on(t, s, functions, "__x64_sys_"+name, "__do_sys_"+name); (n > 0) != wanted {
					t.Errorf("%s is %s: %v, want %v", name, side, n > 0, wanted)
				}
			}
		}
		if want.Confined["getsid"] > 0 && (on(t, s, o.Sides.Confined, "__x64_sys_seccomp", "do_seccomp") > 0 || on(t, s, o.Sides.Unconfined, "__x64_sys_seccomp", "do_seccomp") == 0) {
			t.Error("the call that installs the filter is not on the near side")
		}
		if o.Sides.Installed != 1 || on(t, s, o.Sides.Confined, "__seccomp_filter", "__secure_computing") == 0 {
			t.Errorf("%d installed, and nobody asked the filter", o.Sides.Installed)
		}
		union := slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.Sides.Unconfined, o.Sides.Confined))))
		if len(union) != len(o.Functions[record.InProcess]) {
			t.Errorf("%d functions on both sides, %d in process context", len(union), len(o.Functions[record.InProcess]))
		}
	})
}

// on returns how many of the functions with these names are among some.
func on(t *testing.T, s *Session, functions []int, names ...string) uint64 {
	t.Helper()
	hits := make([]record.Hit, len(functions))
	for i, f := range functions {
		hits[i] = record.Hit{Function: f, Count: 1}
	}
	n, known := exercise.Expected{Functions: names}.In(s.Universe(), hits)
	if !known {
		t.Fatalf("none of %v is in the universe", names)
	}
	return n
}

func merged(s labtest.Sided) map[string]bool {
	names := map[string]bool{}
	for _, side := range []map[string]uint64{s.Unconfined, s.Confined} {
		for name := range side {
			names[name] = true
		}
	}
	return names
}
