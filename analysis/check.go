package analysis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hapscope/record"
)

// CheckOptions of CheckBudgets.
type CheckOptions struct {
	Baseline *Report // nil where there is none
	Against  string  // what the baseline is called
	Across   []DifferenceKind
	Today    time.Time // by which allowances expire
}

// CheckBudgets holds a record to rules. It fails where the baseline cannot be compared
// with, or where a rule needs one that is not there.
func CheckBudgets(r *Report, budgets []Budget, o CheckOptions) (*Check, error) {
	c := &checker{Check: Check{Against: o.Against}, r: r, o: o}
	for i := range budgets {
		b := &budgets[i]
		if !b.Applies(r.Run.Plan.Scenario) {
			c.Elsewhere = append(c.Elsewhere, b.Name)
			continue
		}
		if b.NeedsBaseline() && o.Baseline == nil {
			return nil, fmt.Errorf("%s: the rule %s compares with a baseline, and none is given", b.Where, b.Name)
		}
	}
	if o.Baseline != nil {
		pair, err := Pair(o.Baseline, r, o.Across)
		if err != nil {
			return nil, err
		}
		c.pair, c.changes = pair, Changes(o.Baseline, r)
	}
	c.record()
	for i := range budgets {
		if b := &budgets[i]; b.Applies(r.Run.Plan.Scenario) {
			c.rule(b)
		}
	}
	return &c.Check, nil
}

// checker is a check at work.
type checker struct {
	Check
	r       *Report
	o       CheckOptions
	pair    *Comparison // nil without a baseline
	changes []Change
}

func (c *checker) add(f Finding) {
	if f.Rule != nil {
		f.Warn = f.Rule.Warn
		if f.Where == (Origin{}) {
			f.Where = f.Rule.Where
		}
	}
	c.Findings = append(c.Findings, f)
}

// record says what keeps the whole record from being judged.
func (c *checker) record() {
	for _, t := range c.r.Run.SelfTest {
		if t.Skipped == "" && !t.Passed() {
			c.add(Finding{Limit: LimitRecord, Verdict: Undecided, Text: "the instruments failed their self-test before measuring"})
			return
		}
	}
	if ks := c.r.measuredKernels(); len(ks) > 1 {
		c.add(Finding{Limit: LimitRecord, Verdict: Undecided, Text: fmt.Sprintf("the record mixes the kernels %s", strings.Join(ks, ", "))})
	}
}

func (c *checker) rule(b *Budget) {
	for _, a := range b.Allow {
		if a.Expired(c.o.Today) {
			c.add(Finding{Rule: b, Where: a.Where, Limit: LimitAllowance, Verdict: Violated,
				Text: fmt.Sprintf("the allowance of %s expired on %s; it was given because: %s", strings.Join(a.Functions, ", "), a.Expires.Format(time.DateOnly), a.Reason)})
		}
	}
	counted, timed := b.split()
	before := len(c.Findings)
	if b.Max != nil {
		c.maxCounted(b, counted)
		if len(b.Metrics) > 0 { // else it is about the profile
			c.maxTimed(b, timed)
		}
	}
	if b.MaxNew != nil {
		c.maxNew(b)
	}
	if b.MaxSlowdown != nil {
		c.maxSlowdown(b, timed)
	}
	if len(c.Findings) == before { // the rule would hold of whatever is not there
		c.add(Finding{Rule: b, Limit: LimitRecord, Verdict: Undecided, Text: "the rule selects nothing of this record: neither a cell that was planned nor one of the baseline (scenarios says for which records it is)"})
	}
}

// cells are those that a rule selects: of the plan, and of the baseline's where the rule
// compares with it, so that what is no longer measured is no pass.
func (c *checker) cells(b *Budget) (out []record.Cell) {
	planned := []*Report{c.r}
	if b.NeedsBaseline() {
		planned = append(planned, c.o.Baseline)
	}
	for _, r := range planned {
		for _, cell := range r.Cells {
			if b.selects(cell.Cell) && !slices.Contains(out, cell.Cell) {
				out = append(out, cell.Cell)
			}
		}
	}
	return out
}

// unsound says why a counted cell is no ground for a pass; empty where it is one.
func unsound(r *Report, cell record.Cell, whose string) string {
	c := r.Cell(cell.Variant, cell.Workload)
	switch {
	case c == nil:
		return "the cell is not in " + whose
	case c.Status != record.OK:
		return troubled(&c.Outcome, whose)
	case c.Measured() == 0:
		return "the cell was not measured in " + whose
	}
	return ""
}

// troubled says how many repetitions are not ok, and why the first of the worst is not.
func troubled(o *Outcome, whose string) string {
	reason := ""
	for _, t := range o.Troubles {
		if t.Status == o.Status {
			reason, _, _ = strings.Cut(t.Reason, "\n")
			break
		}
	}
	return fmt.Sprintf("%d of %d repetitions of %s are %s: %s", o.Counts[o.Status], o.Planned, whose, o.Status, reason)
}

// phases are those that a rule asks of a cell: where it names none, all that were
// observed of it, here or in the baseline that the rule compares with.
func (c *checker) phases(b *Budget, cell record.Cell) (out []record.Phase) {
	if len(b.Phases) > 0 {
		return b.Phases
	}
	for _, p := range record.Phases() {
		if observed(c.r, cell, p) || b.NeedsBaseline() && observed(c.o.Baseline, cell, p) {
			out = append(out, p)
		}
	}
	return out
}

func observed(r *Report, cell record.Cell, p record.Phase) bool {
	planned := r.Cell(cell.Variant, cell.Workload)
	return planned != nil && len(planned.Samples(p)) > 0
}

const thisRecord, theBaseline = "this record", "the baseline"

// maxCounted holds the medians of what was counted to the rule's greatest.
func (c *checker) maxCounted(b *Budget, metrics []Metric) {
	if len(metrics) == 0 {
		return
	}
	for _, cell := range c.cells(b) {
		if why := unsound(c.r, cell, thisRecord); why != "" {
			c.add(Finding{Rule: b, Limit: LimitMax, Cell: &cell, Verdict: Undecided, Most: *b.Max, Text: why})
			continue
		}
		for _, phase := range c.phases(b, cell) {
			for _, context := range b.contexts() {
				for _, m := range metrics {
					c.max(b, cell, c.r.Cell(cell.Variant, cell.Workload).Summary(phase, context, m), Key{phase, context, m})
				}
			}
		}
	}
}

func (c *checker) max(b *Budget, cell record.Cell, s *Summary, key Key) {
	f := Finding{Rule: b, Limit: LimitMax, Cell: &cell, Key: key, Most: *b.Max, Verdict: Pass}
	switch {
	case s == nil:
		f.Verdict, f.Text = Undecided, "it was not measured"
	case s.Median > *b.Max:
		f.Verdict, f.Value = Violated, &s.Median
		f.Text = fmt.Sprintf("%g %s (median of %d), more than %g", s.Median, key.Metric.Unit(), s.N, *b.Max)
	default:
		f.Value = &s.Median
		f.Text = fmt.Sprintf("%g %s (median of %d), at most %g", s.Median, key.Metric.Unit(), s.N, *b.Max)
	}
	c.add(f)
}

// maxNew holds what is new to the rule: functions beyond the repetitions' own
// differences, without those allowed.
func (c *checker) maxNew(b *Budget) {
	var changes []*CellChange
	for _, cell := range c.cells(b) {
		why := unsound(c.r, cell, thisRecord)
		if why == "" {
			why = unsound(c.o.Baseline, cell, theBaseline)
		}
		if why != "" {
			c.add(Finding{Rule: b, Limit: LimitNew, Cell: &cell, Verdict: Undecided, Most: float64(*b.MaxNew), Text: why})
			continue
		}
		for _, phase := range c.phases(b, cell) {
			for _, context := range b.contexts() {
				change := c.pair.Cell(cell, phase, context)
				changes = append(changes, &change)
			}
		}
	}
	correctChanges(changes)
	for _, change := range changes {
		c.add(c.new(b, *change))
	}
}

func (c *checker) new(b *Budget, change CellChange) Finding {
	f := Finding{Rule: b, Limit: LimitNew, Cell: &change.Cell, Key: Key{change.Phase, change.Context, UniqueFunctions}, Most: float64(*b.MaxNew), Verdict: Pass}
	switch {
	case change.After == nil:
		f.Verdict, f.Text = Undecided, "it was not measured"
		return f
	case change.Before == nil:
		f.Verdict, f.Text = Undecided, "it was not measured in the baseline"
		return f
	case !change.Decidable():
		f.Verdict = Undecided
		f.Text = fmt.Sprintf("%s against %d of the baseline cannot tell new functions from those that come now and then, in %s at once", count(change.After.N, "repetition"), change.Before.N, count(change.Family, "comparison"))
		if needed := change.Needed(); needed != "" {
			f.Text += ": " + needed
		}
		return f
	}
	allowed := 0
	for _, s := range change.Gained {
		if b.allows(s, c.o.Today) {
			allowed++
		} else {
			f.Functions = append(f.Functions, s)
		}
	}
	n := float64(len(f.Functions))
	f.Value = &n
	f.Text = fmt.Sprintf("%s, at most %d", count(len(f.Functions), "new function"), *b.MaxNew)
	switch {
	case len(f.Functions) <= *b.MaxNew:
	case change.Grew():
		f.Verdict = Violated
		f.Text = fmt.Sprintf("%s, more than %d, each in at least %d of %d repetitions (%s)", count(len(f.Functions), "new function"), *b.MaxNew, change.Least, change.After.N, sayP(change.GainedAdjusted))
	default:
		f.Text = fmt.Sprintf("%s, no more than the cell's own repetitions differ by (%s): more repetitions would tell", count(len(f.Functions), "new function"), sayP(change.GainedAdjusted))
	}
	if allowed > 0 {
		f.Text += fmt.Sprintf("; %d more are allowed", allowed)
	}
	return f
}

func (b *Budget) allows(s Seen, today time.Time) bool {
	return slices.ContainsFunc(b.Allow, func(a Allowance) bool { return !a.Expired(today) && a.covers(s) })
}

// sayP writes a p-value to what one can tell from it.
func sayP(p float64) string {
	if p < .001 {
		return "p < .001"
	}
	return fmt.Sprintf("p = %.3f", p)
}
