package analysis

import (
	"slices"
	"strings"
	"testing"

	"hapscope/record"
)

// repetition is one that entered function i as often as entries[i] says.
func repetition(n int, status record.Status, entries ...uint64) record.Result {
	var hits []record.Hit
	for i, e := range entries {
		if e > 0 {
			hits = append(hits, record.Hit{Function: i, Count: e})
		}
	}
	return record.Result{Repetition: n, Status: status, Phases: []record.PhaseResult{{
		Phase: record.Steady, Sighting: record.Sighting{Functions: map[record.Context][]record.Hit{record.InProcess: hits}},
	}}}
}

// gather keeps what a report needs of the repetitions of one cell.
func gather(results ...record.Result) *gathered {
	var g Gathering
	rec := &record.Record{Run: record.Run{Plan: record.Plan{Witnesses: []string{"a"}}}}
	for i := range results {
		g.Add(rec, &results[i])
	}
	return g.cells[results[0].Cell()]
}

func TestConvergence(t *testing.T) {
	results := []record.Result{
		repetition(1, record.OK, 9, 9, 1),
		repetition(2, record.Failed, 9, 9, 9, 9, 9), // counts for nothing
		repetition(3, record.OK, 9, 0, 1, 9),
	}
	c := converge(gather(results...))
	if !slices.Equal(c.New, []int{3, 1}) || !slices.Equal(c.Seen, []int{3, 4}) || c.Richness.Observed != 4 || c.Richness.Twice != 1 || c.Curve() != "3 → 4" {
		t.Errorf("%+v", c)
	}
	if Converged(results, 0.99) {
		t.Error("two repetitions cannot have converged")
	}
	results = append(results, repetition(4, record.OK, 9, 9, 9, 9))
	if !Converged(results, 0.01) {
		t.Error("nothing new, and none entered only once")
	}
	results = append(results, repetition(5, record.OK, 9, 9, 9, 9, 1, 1))
	if Converged(results, 0.1) {
		t.Error("the last repetition brought two of six")
	}
	if !Converged(results, 0.5) {
		t.Error("half may be unseen")
	}
}

func TestAgreement(t *testing.T) {
	r := repetition(1, record.OK, 5, 5, 1, 0)
	r.Phases[0].Others = map[string]*record.Sighting{"b": {Functions: map[record.Context][]record.Hit{
		record.InProcess: {{Function: 0, Count: 5}, {Function: 1, Count: 4}, {Function: 3, Count: 80}},
	}}}
	got := joinAgreements(gather(r, r).results, map[string]int{"": 0})
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	g := got[0]
	if g.A != "a" || g.B != "b" || g.N != 2 || g.Jaccard() != 0.5 || g.Worst != 0.5 || len(g.Dissent) != 2 {
		t.Errorf("%+v", g)
	}
	for _, d := range g.Dissent {
		if d.N != 2 || d.Function == 2 && (d.Witness != "a" || d.Entries != 2) || d.Function == 3 && (d.Witness != "b" || d.Entries != 160) {
			t.Errorf("%+v", d)
		}
	}
	for symbol, want := range map[string]string{"switch_ldt": "sched_switch", "bpf_x": "own programs", "ring_buffer_x": "own path", "f": "not explained"} {
		if r := reason(record.Function{Symbol: symbol}, &Dissent{N: 1, Entries: 100}); !strings.Contains(r, want) {
			t.Errorf("%s: %s", symbol, r)
		}
	}
}

// TestLongCurve: a list that nobody would read is cut in the middle, never at its ends.
func TestLongCurve(t *testing.T) {
	c := Convergence{}
	for i := range 100 {
		c.New, c.Seen = append(c.New, 100-i), append(c.Seen, 1000+i)
	}
	if got, want := c.Curve(), "1000 → 1001 → 1002 → 1003 → 1004 → … → 1095 → 1096 → 1097 → 1098 → 1099"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := c.Gains(), "100, +99, +98, +97, +96, …, +5, +4, +3, +2, +1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
