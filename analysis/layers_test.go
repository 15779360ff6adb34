package analysis

import (
	"slices"
	"testing"

	"hapscope/record"
)

// seen is what the threads of a role did: the functions from one index up to
// another.
func seen(from, to int) *record.RoleSighting {
	s := &record.RoleSighting{Threads: 1}
	for i := from; i < to; i++ {
		s.Functions = append(s.Functions, record.Hit{Function: i, Count: 1})
	}
	return s
}

// layered is a record of a container beside a virtual machine, whose monitor alone
// runs fewer functions than the container, and with its back-ends more.
func layered() *record.Record {
	rec := &record.Record{Tables: map[string][]record.Function{"k": make([]record.Function, 200)}}
	rec.Run.Plan = record.Plan{Variants: []string{"runc", "kata"}, Workloads: []string{"w"}, Repetitions: 2}
	for n := 1; n <= 2; n++ {
		for variant, roles := range map[string]map[record.Role]*record.RoleSighting{
			"runc": {record.RoleWorkload: seen(0, 100)},
			"kata": {record.RoleVCPU: seen(0, 30), record.RoleVMM: seen(20, 50+n), record.RoleVhost: seen(100, 160)},
		} {
			process := seen(0, 100).Functions
			if variant == "kata" {
				process = seen(0, 50+n).Functions
				if n == 2 { // the shim did something once
					roles[record.RoleShim] = seen(90, 95)
					process = append(process, roles[record.RoleShim].Functions...)
				}
			}
			rec.Run.Plan.Steps = append(rec.Run.Plan.Steps, record.Step{Cell: record.Cell{Variant: variant, Workload: "w"}, Repetition: n})
			rec.Results = append(rec.Results, record.Result{
				Variant: variant, Workload: "w", Repetition: n, Status: record.OK, Kernel: "k",
				Phases: []record.PhaseResult{{Phase: record.Steady, Sighting: record.Sighting{
					Functions: map[record.Context][]record.Hit{record.InProcess: process, record.InSoftIRQ: seen(150, 170).Functions},
					Roles:     roles,
				}}},
			})
		}
	}
	return rec
}

func TestLayers(t *testing.T) {
	all := New(layered()).LayersOf()
	if len(all) != 2 || all[1].Variant != "kata" {
		t.Fatalf("%+v", all)
	}
	want := []Layer{
		{RoleContext(record.RoleVCPU), 30, 30},
		{RoleContext(record.RoleVMM), 31.5, 21.5},
		{RoleContext(record.RoleVhost), 60, 60},
		{RoleContext(record.RoleShim), 2.5, 2.5}, // 0 in the repetition in which it did nothing
		{Interrupt, 20, 10},
	}
	if !slices.Equal(all[1].Layers, want) {
		t.Errorf("layers %+v\nwant   %+v", all[1].Layers, want)
	}
	if l := all[1]; l.N != 2 || l.Mean != 124 || l.Min != 121 || l.Max != 127 {
		t.Errorf("in all %+v, want 124 of 121 and 127", l)
	}
	if got := LayerContexts(all); len(got) != 6 || got[0] != RoleContext(record.RoleWorkload) || got[5] != Interrupt {
		t.Errorf("layers in use %v", got)
	}
}

func TestVMRatios(t *testing.T) {
	r := New(layered())
	ratios := r.VMRatios()
	if len(ratios) != len(Readings()) {
		t.Fatalf("%+v", ratios)
	}
	for _, want := range []struct {
		context record.Context
		median  float64
		verdict string
	}{
		{Front, .515, "fewer than runc"},
		{AllRoles, 1.14, "more than runc"},
		{record.InProcess, .54, "fewer than runc"},
	} {
		i := slices.IndexFunc(ratios, func(r Ratio) bool { return r.Context == want.context })
		if got := ratios[i]; got.Median < want.median-1e-9 || got.Median > want.median+1e-9 || got.Verdict() != want.verdict {
			t.Errorf("%s: %+v, %s; want %v, %s", want.context, got, got.Verdict(), want.median, want.verdict)
		}
	}
	if c := Conclusions(ratios); len(c) != len(Readings()) || c[0] != "without back-ends (monitor and virtual CPUs alone): kata fewer than runc" {
		t.Errorf("conclusions %q", c)
	}
	// A repetition without the shim counts as one in which it did nothing.
	if s := r.Cell("kata", "w").Summary(record.Steady, RoleContext(record.RoleShim), UniqueFunctions); s == nil || s.N != 2 || s.Min != 0 {
		t.Errorf("shim: %+v", s)
	}
}
