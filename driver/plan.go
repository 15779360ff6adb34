package driver

import (
	"math/rand/v2"

	"hapscope/driver/scenario"
	"hapscope/record"
)

// NewPlan works a scenario out. Repetitions are interleaved: every cell is
// measured once before any is measured again, each round in a shuffled order of
// its own, so that a drift of the machine (page cache, slab sizes, neighbours)
// falls on all variants alike. The seed makes the order repeatable.
func NewPlan(s scenario.Scenario) record.Plan {
	p := record.Plan{
		Scenario:             s.Name,
		Variants:             s.Variants,
		Workloads:            s.Workloads,
		Repetitions:          s.Repetitions,
		LifecycleRepetitions: s.Repetitions,
		Witnesses:            s.Witnesses,
		Load:                 s.Load,
		Idle:                 s.Idle.Seconds(),
		TraceBufferBytes:     s.TraceBufferBytes,
		UntilConverged:       s.UntilConverged,
		Settle:               s.Settle.Seconds(),
		Deadline:             s.Deadline.Seconds(),
		Retries:              s.Retries,
		Seed:                 s.Seed,
	}
	if n := s.LifecycleRepetitions; n > 0 {
		p.LifecycleRepetitions = min(n, s.Repetitions)
	}
	if p.Load.Mode == scenario.Saturating {
		p.Load.Rate = 0
	}
	var cells []record.Cell
	for _, v := range s.Variants {
		for _, w := range s.Workloads {
			cells = append(cells, record.Cell{Variant: v, Workload: w})
		}
	}
	order := rand.New(rand.NewPCG(s.Seed, 0))
	for rep := 1; rep <= s.Repetitions; rep++ {
		for _, i := range order.Perm(len(cells)) {
			p.Steps = append(p.Steps, record.Step{Cell: cells[i], Repetition: rep})
		}
	}
	return p
}

// remaining returns the steps of which no result is there yet.
func remaining(plan record.Plan, results []record.Result) []record.Step {
	done := map[record.Step]bool{}
	for _, r := range results {
		done[record.Step{Cell: r.Cell(), Repetition: r.Repetition}] = true
	}
	var left []record.Step
	for _, s := range plan.Steps {
		if !done[s] {
			left = append(left, s)
		}
	}
	return left
}
