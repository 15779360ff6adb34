package analysis

import (
	"fmt"
	"math"
	"slices"

	"hapscope/record"
)

// timedCells are the timed cells that a rule selects, those of the baseline included
// where the rule compares with it.
func (c *checker) timedCells(b *Budget) (out []*Timed) {
	all := []*Report{c.r}
	if b.NeedsBaseline() {
		all = append(all, c.o.Baseline)
	}
	for _, r := range all {
		for _, t := range r.Timed {
			if b.selects(t.Cell) && findTimed(out, t.Place, t.Cell) == nil {
				out = append(out, t)
			}
		}
	}
	return out
}

// unsoundTimed says why a timed cell is no ground for a pass; empty where it is one.
func unsoundTimed(r *Report, of *Timed, whose string) string {
	t := r.TimedCell(of.Place, of.Variant, of.Workload)
	switch {
	case t == nil:
		return fmt.Sprintf("the cell was not timed (%s) in %s", of.Place, whose)
	case t.Status != record.OK:
		return troubled(&t.Outcome, whose)
	}
	return ""
}

// maxTimed holds timings to the rule's greatest: they are above it where the whole
// interval of the median is, and below it where it reaches no further.
func (c *checker) maxTimed(b *Budget, metrics []Metric) {
	if len(metrics) == 0 {
		return
	}
	for _, t := range c.timedCells(b) {
		if why := unsoundTimed(c.r, t, thisRecord); why != "" {
			c.add(Finding{Rule: b, Limit: LimitMax, Cell: &t.Cell, Key: Key{TimedPhase, record.Context(t.Place), ""}, Verdict: Undecided, Most: *b.Max, Text: why})
			continue
		}
		for _, m := range metrics {
			c.add(maxOf(b, t, m))
		}
	}
}

func maxOf(b *Budget, t *Timed, m Metric) Finding {
	f := Finding{Rule: b, Limit: LimitMax, Cell: &t.Cell, Key: Key{TimedPhase, record.Context(t.Place), m}, Most: *b.Max, Verdict: Pass}
	s := t.Series(m)
	switch {
	case s == nil:
		f.Verdict, f.Text = Undecided, "it has no number"
		return f
	case s.CI == nil:
		f.Value, f.Verdict = &s.Median, Undecided
		f.Text = fmt.Sprintf("%s has too few repetitions (%d) for an interval: time it at least %d times", m.Say(s.Median), len(s.Values), minSeries)
		return f
	}
	f.Value = &s.Median
	said := fmt.Sprintf("%s [%s]", m.Say(s.Median), m.SayInterval(s.Median, s.CI))
	switch {
	case s.CI.Low > *b.Max:
		f.Verdict, f.Text = Violated, fmt.Sprintf("%s, more than %s", said, m.Say(*b.Max))
	case s.Median > *b.Max:
		f.Text = fmt.Sprintf("%s, not shown to be more than %s", said, m.Say(*b.Max))
	default:
		f.Text = fmt.Sprintf("%s, at most %s", said, m.Say(*b.Max))
	}
	return f
}

// maxSlowdown holds timings to how much worse than in the baseline they may be.
func (c *checker) maxSlowdown(b *Budget, metrics []Metric) {
	for _, t := range c.timedCells(b) {
		why := unsoundTimed(c.r, t, thisRecord)
		if why == "" {
			why = unsoundTimed(c.o.Baseline, t, theBaseline)
		}
		if why != "" {
			c.add(Finding{Rule: b, Limit: LimitSlowdown, Cell: &t.Cell, Key: Key{TimedPhase, record.Context(t.Place), ""}, Verdict: Undecided, Most: *b.MaxSlowdown, Text: why})
			continue
		}
		for _, m := range metrics {
			if len(b.Metrics) == 0 && t.Series(m) == nil && c.o.Baseline.TimedCell(t.Place, t.Variant, t.Workload).Series(m) == nil {
				continue // such as a tail for which neither had replies enough, and which nobody named
			}
			c.add(c.slowdown(b, t, m))
		}
	}
}

func (c *checker) slowdown(b *Budget, t *Timed, m Metric) Finding {
	f := Finding{Rule: b, Limit: LimitSlowdown, Cell: &t.Cell, Key: Key{TimedPhase, record.Context(t.Place), m}, Most: *b.MaxSlowdown, Verdict: Pass}
	i := slices.IndexFunc(c.changes, func(ch Change) bool { return ch.Cell == t.Cell && ch.Place == t.Place && ch.Metric == m })
	if i < 0 {
		f.Verdict, f.Text = Undecided, "it has no number in this record or in the baseline"
		return f
	}
	change := c.changes[i]
	ratio := change.Slowdown()
	if !math.IsInf(ratio, 0) { // of no request a second
		f.Value = &ratio
	}
	said := fmt.Sprintf("%s, before %s: %.2f times as bad", m.Say(change.After.Median), m.Say(change.Before.Median), ratio)
	switch {
	case !change.Decidable():
		f.Verdict = Undecided
		f.Text = fmt.Sprintf("%s, but %d repetitions against %d are too few to show a difference among %s", said, len(change.After.Values), len(change.Before.Values), count(change.Family, "cell"))
	case ratio > *b.MaxSlowdown && change.Significant():
		f.Verdict, f.Text = Violated, fmt.Sprintf("%s, more than %g (%s)", said, *b.MaxSlowdown, sayP(change.Adjusted))
	case ratio > *b.MaxSlowdown:
		f.Text = fmt.Sprintf("%s, which chance explains (%s)", said, sayP(change.Adjusted))
	default:
		f.Text = fmt.Sprintf("%s, at most %g", said, *b.MaxSlowdown)
	}
	return f
}
