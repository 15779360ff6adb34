package analysis

import (
	"cmp"
	"slices"

	"hapscope/record"
)

// Ranking orders the variants of a workload by the median of their unique
// functions in the steady state, or of what those weigh, least first. Which contexts
// are counted can turn the order round, and so can weights; hence it is worked out for
// each choice of them.
type Ranking struct {
	Workload string
	Context  record.Context
	Metric   Metric // one of Weights
	Ranks    []Rank
	// Turned says that two variants, apart in all repetitions, are the other way
	// round than by the number of functions in process context.
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

// Rankings returns the ranking of every workload under every context choice, by the
// number of functions.
func (r *Report) Rankings() (out []Ranking) {
	for _, w := range r.Run.Plan.Workloads {
		var of []Ranking
		for _, c := range Choices() {
			of = append(of, r.Ranking(w, c, UniqueFunctions))
		}
		out = append(out, compared(of)...)
	}
	return out
}

// WeightedRankings returns the ranking of every workload in process context under each
// of Weights that it has.
func (r *Report) WeightedRankings() (out []Ranking) {
	for _, w := range r.Run.Plan.Workloads {
		var of []Ranking
		for _, m := range Weights() {
			of = append(of, r.Ranking(w, record.InProcess, m))
		}
		out = append(out, compared(of)...)
	}
	return out
}

// compared holds rankings of one workload against the first of them; those without
// variants were not measured, and are left out. Without the first there are none.
func compared(all []Ranking) (out []Ranking) {
	for i, k := range all {
		switch {
		case len(k.Ranks) == 0 && i == 0:
			return nil
		case len(k.Ranks) == 0:
			continue
		}
		k.Turned = !sameOrder(k, all[0])
		out = append(out, k)
	}
	return out
}

// Ranking orders the variants of one workload.
func (r *Report) Ranking(workload string, context record.Context, m Metric) Ranking {
	k := Ranking{Workload: workload, Context: context, Metric: m}
	for _, c := range r.Cells {
		if c.Workload == workload {
			if s := c.Summary(record.Steady, context, m); s != nil {
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
