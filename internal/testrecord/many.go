package testrecord

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"hapscope/record"
)

// WriteMany puts a record of many repetitions into a new run directory: five variants
// under four workloads, of which the steady state was observed. Each repetition enters
// about as many functions as asked for, three fifths of them in process context.
func WriteMany(t testing.TB, dir string, repetitions, functions int) {
	t.Helper()
	table := make([]record.Function, 4*functions)
	for i := range table {
		table[i] = record.Function{Symbol: fmt.Sprintf("%s_%d", []string{"tcp", "futex", "ep", "sched", "vfs"}[i%5], i), Offset: uint64(i) * 64}
	}
	rec := &record.Record{Run: run(len(table)), Tables: map[string][]record.Function{Kernel: table}}
	plan := &rec.Run.Plan
	plan.Repetitions, plan.LifecycleRepetitions, plan.Idle, plan.Witnesses, plan.Steps = repetitions/20, 0, 0, []string{"ftrace"}, nil
	g := rand.New(rand.NewPCG(7, 8))
	draw := func(from, n int) (hits []record.Hit) {
		for f := from; len(hits) < n; f++ {
			if g.IntN(8) > 0 {
				hits = append(hits, record.Hit{Function: f % len(table), Count: 1 + g.Uint64N(2000)})
			}
		}
		return hits
	}
	for n := range plan.Repetitions {
		for _, workload := range plan.Workloads {
			for _, variant := range plan.Variants {
				plan.Steps = append(plan.Steps, record.Step{Cell: record.Cell{Variant: variant, Workload: workload}, Repetition: n + 1})
			}
		}
	}
	w := newWriter(t, dir, rec)
	defer w.Close()
	for i, s := range plan.Steps { // one at a time: all of them are too many to hold
		process := draw(i%20/5*functions/8+i%5*functions/8, 3*functions/5)
		err := w.Append(record.Result{Variant: s.Variant, Workload: s.Workload, Repetition: s.Repetition, Status: record.OK, Kernel: Kernel,
			Started: rec.Run.Created.Add(time.Duration(i) * time.Second), Seconds: 1, Load: &record.LoadResult{Mode: "paced", Rate: 100, Requests: 300, Correct: 300, Seconds: 3},
			Phases: []record.PhaseResult{{Phase: record.Steady, Seconds: 3, Syscalls: map[string]uint64{"read": 300, "write": 300}, Sighting: record.Sighting{Events: 100_000, Functions: map[record.Context][]record.Hit{
				record.InProcess: process, record.InSoftIRQ: draw(functions, 3*functions/10), record.InHardIRQ: draw(2*functions, functions/10)}}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
}
