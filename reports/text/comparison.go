package text

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"hapscope/analysis"
	"hapscope/record"
)

// listed is how many functions are named in one line; JSON has all.
const listed = 40

// Comparison writes how a record differs from an earlier one: per cell the functions, per
// metric and place the timings.
func Comparison(w io.Writer, c *analysis.Comparison, o Options) error {
	if o.Width == 0 {
		o.Width = 100
	}
	var b bytes.Buffer
	prose(&b, o.Width, "before  ", fmt.Sprintf("%s · %s · %s", c.Before.Run.ID, c.Before.Run.Plan.Scenario, c.Before.Conditions()))
	prose(&b, o.Width, "after   ", fmt.Sprintf("%s · %s · %s", c.After.Run.ID, c.After.Run.Plan.Scenario, c.After.Conditions()))
	for _, d := range c.Differences {
		prose(&b, o.Width, "  • ", "passed over, as asked: "+d.Text)
	}
	if c.ByName {
		prose(&b, o.Width, "  • ", "functions were matched by name: what the compiler inlined or renamed in one build only counts as gained or lost")
	}
	if len(c.Cells) > 0 || len(c.Timings) == 0 {
		b.WriteByte('\n')
		functions(&b, c, o.Width)
	}
	if len(c.Timings) > 0 || len(c.Before.Timed) > 0 && len(c.After.Timed) > 0 {
		b.WriteByte('\n')
		changes(&b, c.Timings, o.Width)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

// functions writes how the sets of functions changed.
func functions(b *bytes.Buffer, c *analysis.Comparison, width int) {
	prose(b, width, "", "Unique functions: medians, and the functions that one record ran in so many repetitions, and the other in none, that chance does not explain it (Fisher's exact test, .05). p is the chance that as many would be if the repetitions were dealt out at random, corrected by Holm's method over the cells of a phase; functions come in clusters, so that one event may bring dozens.")
	t := newTable()
	t.AppendHeader(table.Row{"cell", "phase", "context", "before", "after", "gained", "p", "lost", "p", "now and then"})
	quiet := 0
	for _, cell := range c.Cells {
		if len(cell.Gained)+len(cell.Lost) == 0 && cell.Phase != record.Steady && cell.Phase != analysis.CreateBoot && cell.Before != nil && cell.After != nil {
			quiet++
			continue
		}
		t.AppendRow(table.Row{cell.Cell.String(), cell.Phase, cell.Context, middle(cell.Before), middle(cell.After),
			changed(cell, cell.Gained), chance(cell.Gained, cell.GainedAdjusted), changed(cell, cell.Lost), chance(cell.Lost, cell.LostAdjusted), passing(cell)})
	}
	if len(c.Cells) == 0 {
		b.WriteString("\nNo functions were counted in either record.\n")
		return
	}
	if t.Length() > 0 {
		b.WriteString("\n" + draw(t) + "\n")
	}
	if quiet > 0 {
		fmt.Fprintf(b, "\nNothing gained or lost in %d other phases of cells.\n", quiet)
	}
	for _, cell := range c.Cells {
		name := fmt.Sprintf("%s, %s, %s: ", cell.Cell, cell.Phase, cell.Context)
		enumerate(b, width, "  + ", name+maybe(cell.Grew()), cell.Gained)
		enumerate(b, width, "  − ", name+maybe(cell.Shrank()), cell.Lost)
	}
	if slices.ContainsFunc(c.Cells, func(cell analysis.CellChange) bool {
		return cell.Before != nil && cell.After != nil && !cell.Decidable()
	}) {
		prose(b, width, "  • ", "with so few repetitions, of so many cells, nothing can be significant")
	}
}

// maybe marks what is not significant.
func maybe(significant bool) string {
	if significant {
		return ""
	}
	return "(may be chance) "
}

// enumerate names functions, with the repetitions that ran each.
func enumerate(b *bytes.Buffer, width int, lead, name string, all []analysis.Seen) {
	if len(all) == 0 {
		return
	}
	var parts []string
	for _, s := range all[:min(len(all), listed)] {
		parts = append(parts, s.Name)
	}
	more := ""
	if n := len(all) - len(parts); n > 0 {
		more = fmt.Sprintf(" … and %d more (--json has all)", n)
	}
	prose(b, width, lead, name+strings.Join(parts, ", ")+more)
}

func middle(s *analysis.Summary) string {
	if s == nil {
		return "not measured"
	}
	return fmt.Sprintf("%g", s.Median)
}

func changed(c analysis.CellChange, functions []analysis.Seen) string {
	switch {
	case c.Before == nil || c.After == nil:
		return ""
	case c.Least == 0:
		return "too few"
	}
	return fmt.Sprint(len(functions))
}

func chance(functions []analysis.Seen, p float64) string {
	if len(functions) == 0 {
		return ""
	}
	return pvalue(p)
}

// passing counts what is of one record alone and may be chance.
func passing(c analysis.CellChange) string {
	if c.Before == nil || c.After == nil {
		return ""
	}
	return fmt.Sprint(c.Passing)
}

// changes writes how timings changed: per metric and place how many cells did, and those.
func changes(b *bytes.Buffer, changes []analysis.Change, width int) {
	prose(b, width, "", "Timings: Mann-Whitney U, corrected by Holm's method over the cells of a metric and place; significant below .05.")
	counts, changed := newTable(), newTable()
	counts.AppendHeader(table.Row{"metric", "place", "cells", "without significant change"})
	changed.AppendHeader(table.Row{"changed", "place", "metric", "before", "after", "ratio", "p"})
	for i := 0; i < len(changes); {
		first, still := i, 0
		for ; i < len(changes) && changes[i].Metric == changes[first].Metric && changes[i].Place == changes[first].Place; i++ {
			c := changes[i]
			if !c.Significant() {
				still++
				continue
			}
			ratio := fmt.Sprintf("%.2f", c.Ratio)
			if c.CI != nil {
				ratio += fmt.Sprintf(" [%.2f–%.2f]", c.CI.Low, c.CI.High)
			}
			changed.AppendRow(table.Row{c.Cell.String(), c.Place, c.Metric, c.Metric.Say(c.Before.Median), c.Metric.Say(c.After.Median), ratio, pvalue(c.Adjusted)})
		}
		counts.AppendRow(table.Row{changes[first].Metric, changes[first].Place, i - first, fmt.Sprintf("%d (%.0f %%)", still, 100*float64(still)/float64(i-first))})
	}
	if len(changes) == 0 {
		b.WriteString("\nThe two records have no timing of the same cell at the same place.\n")
	} else {
		b.WriteString("\n" + draw(counts) + "\n")
	}
	if changed.Length() > 0 {
		b.WriteString("\n" + draw(changed) + "\n")
	}
}

// pvalue writes a p-value to what one can tell from it.
func pvalue(p float64) string {
	if p < .001 {
		return "< .001"
	}
	return fmt.Sprintf("%.3f", p)
}
