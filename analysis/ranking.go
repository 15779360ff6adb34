package analysis

import (
	"cmp"
	"slices"

	"hapscope/record"
)

// Ranking orders the variants of a workload by the median of their unique
// functions in the steady state, fewest first. Which contexts are counted can
// turn the order round, so it is worked out for each choice of them.
type Ranking struct {
	Workload string
	Context  record.Context
	Ranks    []Rank
	// Turned says that two variants, apart in all repetitions, are the other way
	// round than in process context.
	Turned bool
}

// Rank is the place of one variant.
type Rank struct {
	Variant string
	Place   int // from 1; equal medians share a place
	*Summary
	// Overlaps says that the range of repetitions touches that of the variant
	// before: the order of the two is not established.
	Overlaps bool
}

// Rankings returns the ranking of every workload under every context choice.
func (r *Report) Rankings() (out []Ranking) {
	for _, w := range r.Run.Plan.Workloads {
		process := r.ranking(w, record.InProcess)
		if len(process.Ranks) == 0 {
			continue
		}
		out = append(out, process)
		for _, c := range Choices()[1:] {
			k := r.ranking(w, c)
			if len(k.Ranks) == 0 {
				continue // not measured
			}
			k.Turned = !sameOrder(k, process)
			out = append(out, k)
		}
	}
	return out
}

func (r *Report) ranking(workload string, context record.Context) Ranking {
	k := Ranking{Workload: workload, Context: context}
	for _, c := range r.Cells {
		if c.Workload == workload {
			if s := c.Summary(record.Steady, context, UniqueFunctions); s != nil {
				k.Ranks = append(k.Ranks, Rank{Variant: c.Variant, Summary: s})
			}
		}
	}
	slices.SortStableFunc(k.Ranks, func(a, b Rank) int { return cmp.Compare(a.Median, b.Median) })
	for i := range k.Ranks {
		k.Ranks[i].Place = i + 1
		if i == 0 {
			continue
		}
		before := &k.Ranks[i-1]
		if before.Median == k.Ranks[i].Median {
			k.Ranks[i].Place = before.Place
		}
		k.Ranks[i].Overlaps = k.Ranks[i].Min <= before.Max
	}
	return k
}

// sameOrder reports whether no pair of variants is the other way round. Pairs
// whose repetitions overlap have no established order that could turn.
func sameOrder(a, b Ranking) bool {
	other := map[string]Rank{}
	for _, rank := range b.Ranks {
		other[rank.Variant] = rank
	}
	for i, high := range a.Ranks {
		for _, low := range a.Ranks[:i] {
			before, after := other[high.Variant], other[low.Variant]
			if before.Summary == nil || after.Summary == nil {
				continue
			}
			if low.Max < high.Min && before.Max < after.Min {
				return false
			}
		}
	}
	return true
}
