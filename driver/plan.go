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
		Reference:            s.Reference,
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
	switch {
	case s.Engine == scenario.Containerd || s.ContainerdAddress != "":
		p.Engine, p.ContainerdAddress = scenario.Containerd, s.ContainerdAddress
	case s.Engine != scenario.OwnEngine:
		p.Engine = s.Engine
	}
	p.DockerAddress, p.Images = s.DockerAddress, s.Images
	if n := s.LifecycleRepetitions; n > 0 {
		p.LifecycleRepetitions = min(n, s.Repetitions)
	}
	p.LifecycleWorkloads = s.LifecycleWorkloads
	if p.Load.Mode == scenario.Saturating {
		p.Load.Rate = 0
	}
	for _, v := range s.Variants {
		for _, w := range s.Workloads {
			if u, ok := s.Unikernels[v][w]; ok {
				if p.Unikernels == nil {
					p.Unikernels = map[string]map[string]record.Unikernel{}
				}
				if p.Unikernels[v] == nil {
					p.Unikernels[v] = map[string]record.Unikernel{}
				}
				p.Unikernels[v][w] = u
			}
		}
	}
	p.Steps = rounds(s, s.Repetitions, 0)
	if t := s.Timing; t != nil {
		p.Timing = &record.TimingPlan{
			Repetitions: t.Repetitions, Throughput: t.Throughput.Seconds(), Connections: t.Connections,
			Latency: t.Latency.Seconds(), Rate: t.Rate, WarmUp: t.WarmUp.Seconds(), Where: s.Where,
			Steps: rounds(s, t.Repetitions, 1),
		}
	}
	return p
}

// rounds orders repetitions. Each use of the seed has a stream of its own.
func rounds(s scenario.Scenario, repetitions int, stream uint64) (steps []record.Step) {
	var cells []record.Cell
	for _, v := range s.Variants {
		for _, w := range s.Workloads {
			cells = append(cells, record.Cell{Variant: v, Workload: w})
		}
	}
	order := rand.New(rand.NewPCG(s.Seed, stream))
	for rep := 1; rep <= repetitions; rep++ {
		for _, i := range order.Perm(len(cells)) {
			steps = append(steps, record.Step{Cell: cells[i], Repetition: rep})
		}
	}
	return steps
}

// remaining returns the steps of which nothing is there yet. step tells of what one
// that is there is.
func remaining[T any](steps []record.Step, there []T, step func(*T) record.Step) (left []record.Step) {
	done := map[record.Step]bool{}
	for i := range there {
		done[step(&there[i])] = true
	}
	for _, s := range steps {
		if !done[s] {
			left = append(left, s)
		}
	}
	return left
}

func stepOfResult(r *record.Result) record.Step {
	return record.Step{Cell: r.Cell(), Repetition: r.Repetition}
}

func stepOfTiming(t *record.Timing) record.Step {
	return record.Step{Cell: t.Cell(), Repetition: t.Repetition}
}
