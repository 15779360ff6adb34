package analysis

import (
	"slices"

	"golang.org/x/perf/benchmath"

	"hapscope/record"
)

// Change compares a series of one record with the same of another: the same cell and
// metric at a place of the same kind.
type Change struct {
	record.Cell
	Place         record.Place
	Metric        Metric
	Before, After *Series
	Ratio         float64   // of the medians, after by before
	CI            *Interval // of the ratio, by bootstrap; nil where either has too few repetitions
	P             float64   // Mann-Whitney U
	Adjusted      float64   // P after Holm's correction across the cells of the metric and place
	Family        int       // cells of the metric and place that were compared
}

// Significant reports whether the two differ.
func (c Change) Significant() bool { return c.Adjusted < alpha }

// Slowdown is how many times worse the metric is than before: below 1 where it is better.
func (c Change) Slowdown() float64 {
	if c.Metric.Higher() {
		return 1 / c.Ratio
	}
	return c.Ratio
}

// Decidable reports whether so many repetitions could show a difference at all: whether
// the least p-value that the test can give is significant among the cells compared.
func (c Change) Decidable() bool {
	n, m := len(c.Before.Values), len(c.After.Values)
	return 2*luck(m, n, m)*float64(c.Family) < alpha
}

// Changes compares what was timed in two records. That both were taken on one machine
// is the caller's to know.
func Changes(before, after *Report) (out []Change) {
	for _, m := range TimingMetrics() {
		for _, p := range after.Places() {
			first := len(out)
			for _, t := range after.Timed {
				old := before.TimedCell(p, t.Variant, t.Workload)
				if t.Place != p || old == nil || old.Series(m) == nil || old.Series(m).Median <= 0 || t.Series(m) == nil {
					continue
				}
				c := Change{Cell: t.Cell, Place: p, Metric: m, Before: old.Series(m), After: t.Series(m)}
				c.Ratio = c.After.Median / c.Before.Median
				if min(len(c.Before.Values), len(c.After.Values)) >= minSeries {
					c.CI = bootstrap(c.After.Values, c.Before.Values, source(after.Run.Plan.Seed, t, m))
				}
				c.P = benchmath.AssumeNothing.Compare(c.Before.sample(), c.After.sample()).P
				c.Adjusted = c.P
				out = append(out, c)
			}
			var ps []*float64
			for i := range out[first:] {
				out[first+i].Family = len(out) - first
				ps = append(ps, &out[first+i].Adjusted)
			}
			holm(ps)
		}
	}
	return slices.Clip(out)
}
