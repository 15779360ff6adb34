package analysis

import (
	"testing"

	"hapscope/record"
)

// A virtual machine whose files are served by virtiofsd, beside one without, and one of
// which the threads were not told apart.
func TestVirtiofs(t *testing.T) {
	rec := &record.Record{Tables: map[string][]record.Function{"k": {{Symbol: "f"}, {Symbol: virtiofsReply}, {Symbol: virtiofsKick}}}}
	rec.Run.Plan = record.Plan{Variants: []string{"fs", "9p", "older"}, Workloads: []string{"w"}, Repetitions: 1}
	hits := []record.Hit{{Function: 0, Count: 9}, {Function: 1, Count: 32}, {Function: 2, Count: 30}}
	for variant, roles := range map[string]map[record.Role]*record.RoleSighting{
		"fs":    {record.RoleVMM: {Functions: hits}, record.RoleVirtiofsd: {Functions: hits}},
		"9p":    {record.RoleVMM: {Functions: hits}},
		"older": nil,
	} {
		cell := record.Cell{Variant: variant, Workload: "w"}
		rec.Run.Plan.Steps = append(rec.Run.Plan.Steps, record.Step{Cell: cell, Repetition: 1})
		phase := record.PhaseResult{Phase: record.Steady, Sighting: record.Sighting{
			Functions: map[record.Context][]record.Hit{record.InProcess: hits}, Roles: roles,
		}}
		rec.Results = append(rec.Results, record.Result{Variant: variant, Workload: "w", Repetition: 1, Status: record.OK, Kernel: "k", Phases: []record.PhaseResult{phase}})
	}
	r := New(rec)
	for variant, want := range map[string]map[Metric]float64{
		"fs": {VirtiofsRequests: 32, VirtiofsKicks: 30}, "9p": {VirtiofsRequests: 0, VirtiofsKicks: 0}, "older": {},
	} {
		for _, m := range []Metric{VirtiofsRequests, VirtiofsKicks} {
			median, there := want[m]
			s := r.Cell(variant, "w").Summary(record.Steady, record.InProcess, m)
			if (s != nil) != there || s != nil && s.Median != median {
				t.Errorf("%s of %s: %+v, want %v", m, variant, s, median)
			}
		}
	}
	if key := (Key{record.Steady, record.InProcess, VirtiofsRequests}); !r.Some(key) {
		t.Error("nothing was served")
	}
}
