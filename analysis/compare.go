package analysis

import (
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// Comparison is what differs between two records, the earlier one and the later.
type Comparison struct {
	Before, After *Report
	Differences   []Difference // that were asked to be passed over
	ByName        bool         // functions were matched by name, because the kernels differ
	Cells         []CellChange
	Timings       []Change
	numbers       numbering
}

// CellChange is how the functions of a cell changed in one phase and context.
type CellChange struct {
	record.Cell
	Phase         record.Phase
	Context       record.Context
	Before, After *Summary // of its unique functions; nil where there is no number
	Gained, Lost  []Seen   // beyond what its repetitions differ by, by name
	// Passing counts the functions of one record alone that are not beyond that.
	Passing int
	// GainedP and LostP are the chances that so many would be if nothing had changed.
	GainedP, LostP float64
	// GainedAdjusted and LostAdjusted are the same after Holm's correction across the
	// comparisons that were made at once, which are Family.
	GainedAdjusted, LostAdjusted float64
	Family                       int
	// Least is in how many repetitions of the later record a new function must be; 0
	// where the repetitions are too few to tell one from chance.
	Least int
}

// Grew reports whether the cell has more new functions than its repetitions explain.
func (c CellChange) Grew() bool { return len(c.Gained) > 0 && rare(c.GainedAdjusted) }

// Shrank reports the same of functions that are gone.
func (c CellChange) Shrank() bool { return len(c.Lost) > 0 && rare(c.LostAdjusted) }

// Decidable reports whether so many repetitions could show a change at all.
func (c CellChange) Decidable() bool {
	return c.Least > 0 && rare(leastChance(c.Before.N, c.After.N)*float64(c.Family))
}

// Needed says how many repetitions would be enough: of the later record beside those of the
// earlier one, or of both where those are too few themselves; empty where none are.
func (c CellChange) Needed() string {
	enough := func(before, after int) bool { return rare(leastChance(before, after) * float64(c.Family)) }
	for n := 1; n <= 2*c.Before.N; n++ {
		if enough(c.Before.N, n) {
			return fmt.Sprintf("%d would do", n)
		}
	}
	for n := c.Before.N; n <= 20; n++ { // from there on it is the ways that are tried
		if enough(n, n) {
			return fmt.Sprintf("%d of both would do", n)
		}
	}
	return ""
}

// correctChanges corrects the p-values of comparisons that are made at once.
func correctChanges(all []*CellChange) {
	var gained, lost []*float64
	for _, c := range all {
		if c.Before != nil && c.After != nil {
			gained, lost = append(gained, &c.GainedAdjusted), append(lost, &c.LostAdjusted)
		}
	}
	for _, c := range all {
		c.Family = len(gained)
	}
	holm(gained)
	holm(lost)
}

// CompareOptions of Compare.
type CompareOptions struct {
	Phases   []record.Phase   // none is all
	Contexts []record.Context // none is process
	Across   []DifferenceKind // that are passed over
}

// IncomparableError says that two records must not be compared.
type IncomparableError struct{ Differences []Difference }

func (e *IncomparableError) Error() string {
	parts := make([]string, len(e.Differences))
	for i, d := range e.Differences {
		parts[i] = d.Text
	}
	return "the records cannot be compared: " + strings.Join(parts, "; ")
}

// Kinds lists what kinds of differences there are, each once.
func (e *IncomparableError) Kinds() (out []DifferenceKind) {
	for _, d := range e.Differences {
		if !slices.Contains(out, d.Kind) {
			out = append(out, d.Kind)
		}
	}
	return out
}

// Pair makes two records ready to be compared, cell by cell. It fails with an
// IncomparableError where they differ in a way that is not to be passed over.
func Pair(before, after *Report, across []DifferenceKind) (*Comparison, error) {
	c := &Comparison{Before: before, After: after}
	var refused []Difference
	for _, d := range Differences(before, after) {
		if !slices.Contains(across, d.Kind) {
			refused = append(refused, d)
			continue
		}
		c.Differences = append(c.Differences, d)
		c.ByName = c.ByName || d.Kind == OtherKernel
	}
	if len(refused) > 0 {
		return nil, &IncomparableError{refused}
	}
	c.numbers = newNumbering(before, after, c.ByName)
	return c, nil
}

// Compare compares two records.
func Compare(before, after *Report, o CompareOptions) (*Comparison, error) {
	c, err := Pair(before, after, o.Across)
	if err != nil {
		return nil, err
	}
	if len(o.Phases) == 0 {
		o.Phases = Phases()
	}
	if len(o.Contexts) == 0 {
		o.Contexts = []record.Context{record.InProcess}
	}
	for _, cell := range c.Planned() {
		for _, phase := range o.Phases {
			for _, context := range o.Contexts {
				if change := c.Cell(cell, phase, context); change.Before != nil || change.After != nil {
					c.Cells = append(c.Cells, change)
				}
			}
		}
	}
	families := map[Key][]*CellChange{}
	for i := range c.Cells {
		key := Key{c.Cells[i].Phase, c.Cells[i].Context, UniqueFunctions}
		families[key] = append(families[key], &c.Cells[i])
	}
	for _, family := range families {
		correctChanges(family)
	}
	c.Timings = Changes(before, after)
	return c, nil
}

// Planned lists the cells of which functions were to be counted in either record.
func (c *Comparison) Planned() (out []record.Cell) {
	for _, r := range []*Report{c.After, c.Before} {
		for _, cell := range r.Cells {
			if !slices.Contains(out, cell.Cell) {
				out = append(out, cell.Cell)
			}
		}
	}
	return out
}

// Cell compares the functions of one cell in one phase and context.
func (c *Comparison) Cell(cell record.Cell, phase record.Phase, context record.Context) CellChange {
	out := CellChange{Cell: cell, Phase: phase, Context: context, GainedP: 1, LostP: 1, GainedAdjusted: 1, LostAdjusted: 1, Family: 1}
	summary := func(r *Report) *Summary {
		if planned := r.Cell(cell.Variant, cell.Workload); planned != nil {
			return planned.Summary(phase, context, UniqueFunctions)
		}
		return nil
	}
	if out.Before, out.After = summary(c.Before), summary(c.After); out.Before == nil || out.After == nil {
		return out
	}
	contest := newContest(c.sets(c.Before, c.numbers.before, cell, phase, context), c.sets(c.After, c.numbers.after, cell, phase, context))
	out.Least = least(contest.before, contest.after)
	gained, passing := contest.gained()
	turned := contest.reversed()
	lost, gone := turned.gained()
	out.Passing = len(passing) + len(gone)
	out.GainedP, out.LostP = contest.chance(len(gained)), turned.chance(len(lost))
	out.GainedAdjusted, out.LostAdjusted = out.GainedP, out.LostP
	out.Gained, out.Lost = c.seen(contest, gained), c.seen(contest, lost)
	return out
}

// sets are the functions of each repetition, by the numbers that both records share.
func (c *Comparison) sets(r *Report, numbers []int, cell record.Cell, phase record.Phase, context record.Context) (out [][]int) {
	for _, s := range r.Cell(cell.Variant, cell.Workload).Samples(phase) {
		set, ok := s.Set(context)
		if !ok {
			continue
		}
		shared := make([]int, len(set))
		for i, f := range set {
			shared[i] = numbers[f]
		}
		out = append(out, shared)
	}
	return out
}

func (c *Comparison) seen(contest *contest, functions []int) []Seen {
	out := make([]Seen, len(functions))
	for i, f := range functions {
		ran := contest.ran[f]
		out[i] = Seen{c.numbers.functions[f], c.numbers.names[f], ran.count(0, contest.before), ran.count(contest.before, contest.before+contest.after)}
	}
	slices.SortFunc(out, func(a, b Seen) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// numbering gives the functions of two reports numbers that mean the same in both.
type numbering struct {
	before, after []int             // for each of the report's functions its number
	functions     []record.Function // by number
	names         []string          // likewise
}

func newNumbering(before, after *Report, byName bool) (n numbering) {
	number := map[record.Function]int{}
	take := func(r *Report) []int {
		out := make([]int, len(r.Functions))
		for i, f := range r.Functions {
			name := r.Name(i)
			if byName { // an offset is the build's own
				f.Offset, name = 0, f.Name()
			}
			k, known := number[f]
			if !known {
				k = len(n.functions)
				number[f] = k
				n.functions, n.names = append(n.functions, f), append(n.names, name)
			}
			out[i] = k
		}
		return out
	}
	n.before, n.after = take(before), take(after)
	return n
}
