package driver

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hapscope/driver/scenario"
	"hapscope/record"
)

func testScenario() scenario.Scenario {
	return scenario.Scenario{
		Name: "t", Variants: []string{"a", "b", "c"}, Workloads: []string{"x", "y"}, Repetitions: 4, Seed: 7,
		Load: record.Load{Mode: scenario.Paced, Requests: 3, Rate: 100},
	}
}

// Every round measures every cell once, and the seed makes the order repeatable.
func TestPlanInterleaves(t *testing.T) {
	p := NewPlan(testScenario())
	if len(p.Steps) != 24 {
		t.Fatalf("%d steps, want 24", len(p.Steps))
	}
	for round := range 4 {
		seen := map[record.Cell]bool{}
		for _, s := range p.Steps[round*6 : round*6+6] {
			if s.Repetition != round+1 {
				t.Errorf("round %d holds %v", round+1, s)
			}
			seen[s.Cell] = true
		}
		if len(seen) != 6 {
			t.Errorf("round %d measures %d cells, want 6", round+1, len(seen))
		}
	}
	if diff := cmp.Diff(p, NewPlan(testScenario())); diff != "" {
		t.Error("the same seed gave another plan:", diff)
	}
	other := testScenario()
	other.Seed = 8
	if cmp.Equal(p.Steps, NewPlan(other).Steps) {
		t.Error("another seed gave the same order")
	}
}

// An address makes containerd the engine.
func TestPlanEngine(t *testing.T) {
	for _, c := range []struct{ engine, address, want string }{
		{"", "", ""}, {scenario.OwnEngine, "", ""}, {scenario.Containerd, "", scenario.Containerd}, {"", "/s", scenario.Containerd},
	} {
		s := testScenario()
		s.Engine, s.ContainerdAddress = c.engine, c.address
		if p := NewPlan(s); p.Engine != c.want || p.ContainerdAddress != c.address {
			t.Errorf("%v: engine %q at %q", c, p.Engine, p.ContainerdAddress)
		}
	}
}

func TestRemaining(t *testing.T) {
	p := NewPlan(testScenario())
	var results []record.Result
	for _, s := range p.Steps[:5] {
		results = append(results, record.Result{Variant: s.Variant, Workload: s.Workload, Repetition: s.Repetition})
	}
	if diff := cmp.Diff(p.Steps[5:], remaining(p.Steps, results, stepOfResult)); diff != "" {
		t.Error(diff)
	}
}

func TestJudge(t *testing.T) {
	seen := map[record.Context][]record.Hit{record.InProcess: {{Function: 1, Count: 2}}}
	tests := []struct {
		name   string
		phase  record.PhaseResult
		status record.Status
		reason string
	}{
		{"clean", record.PhaseResult{Phase: record.Steady, Sighting: record.Sighting{Functions: seen, Events: 10}}, record.OK, ""},
		{"lost", record.PhaseResult{Phase: record.Steady, Sighting: record.Sighting{Functions: seen, Events: 90, Lost: []uint64{4, 6}}}, record.Degraded, "steady: 10 of 100 events lost"},
		{"unknown", record.PhaseResult{Phase: record.Boot, Sighting: record.Sighting{Functions: seen, Unknown: 3}}, record.Degraded, "boot: 3 entries at addresses outside the function table"},
		{"idle", record.PhaseResult{Phase: record.Idle}, record.OK, ""},
		{"nothing", record.PhaseResult{Phase: record.Steady}, record.Degraded, "steady: no function seen in process context"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, reason := judge(&record.Result{Phases: []record.PhaseResult{tt.phase}})
			if status != tt.status || reason != tt.reason {
				t.Errorf("got %s %q, want %s %q", status, reason, tt.status, tt.reason)
			}
		})
	}
}
