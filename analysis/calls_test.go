package analysis

import (
	"slices"
	"testing"

	"hapscope/record"
)

// A cell of a virtual machine beside one without.
func TestVM(t *testing.T) {
	cell := func(variant string) record.Cell { return record.Cell{Variant: variant, Workload: "w"} }
	rec := &record.Record{Tables: map[string][]record.Function{"k": {{Symbol: "f"}}}}
	rec.Run.Plan = record.Plan{Variants: []string{"plain", "machine", "older"}, Workloads: []string{"w"}, Repetitions: 2}
	for n := 1; n <= 2; n++ {
		for variant, vm := range map[string]map[record.VMEvent]map[string]uint64{
			"plain": {},
			"machine": {
				record.VMExit:     {"npf": 3 * uint64(n), "hlt": 5},
				record.VMUserExit: {"IO": 2},
			},
			"older": nil, // of a record from before it was counted
		} {
			vhost := map[string]map[record.VhostEvent]map[string]uint64{
				"plain":   {},
				"machine": {record.VhostWork: {"handle_tx_kick [vhost_net]": 4, "handle_rx_net [vhost_net]": 2}, record.VhostKick: {"net tx": 3}},
			}[variant]
			rec.Run.Plan.Steps = append(rec.Run.Plan.Steps, record.Step{Cell: cell(variant), Repetition: n})
			rec.Results = append(rec.Results, record.Result{
				Variant: variant, Workload: "w", Repetition: n, Status: record.OK, Kernel: "k",
				Phases: []record.PhaseResult{{Phase: record.Steady, VM: vm, Vhost: vhost, Sighting: record.Sighting{Functions: map[record.Context][]record.Hit{record.InProcess: {{Function: 0, Count: 1}}}}}},
			})
		}
	}
	r := New(rec)
	for _, c := range []struct {
		variant string
		metric  Metric
		median  float64
		no      bool
	}{
		{variant: "plain", metric: VMExits},
		{variant: "machine", metric: VMExits, median: 9.5},
		{variant: "machine", metric: VMExitReasons, median: 2},
		{variant: "machine", metric: VMUserExits, median: 2},
		{variant: "machine", metric: Hypercalls},
		{variant: "older", metric: VMExits, no: true},
		{variant: "plain", metric: VhostCalls},
		{variant: "machine", metric: VhostCalls, median: 6},
		{variant: "machine", metric: VhostKicks, median: 3},
		{variant: "machine", metric: VhostInterrupts},
		{variant: "older", metric: VhostCalls, no: true},
	} {
		s := r.Cell(c.variant, "w").Summary(record.Steady, record.InProcess, c.metric)
		if (s == nil) != c.no || s != nil && s.Median != c.median {
			t.Errorf("%s of %s: %+v, want %v", c.metric, c.variant, s, c.median)
		}
	}
	tables := r.VMTables()
	if len(tables) != 1 || !slices.Equal(tables[0].Variants, []string{"machine"}) || !slices.Equal(tables[0].Names, []string{"exit hlt", "exit npf", "user-exit IO", "vhost kick net tx", "vhost work handle_rx_net [vhost_net]", "vhost work handle_tx_kick [vhost_net]"}) {
		t.Fatalf("tables = %+v", tables)
	}
	if mean := *tables[0].Calls[1][0]; mean != 4.5 {
		t.Errorf("%v exits for npf on average, want 4.5", mean)
	}
}
