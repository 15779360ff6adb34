package text

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"hapscope/analysis"
	"hapscope/analysis/code"
	"hapscope/record"
)

// Explain writes who reaches functions, when and how often.
func Explain(w io.Writer, all []analysis.Explanation, o Options) error {
	if o.Width == 0 {
		o.Width = 100
	}
	var b bytes.Buffer
	for i, e := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		where := "the kernel's own image"
		if e.Module != "" {
			where = "module " + e.Module
		}
		fmt.Fprintf(&b, "%s\n  in %s, offset 0x%x, kernel build %s\n  %s\n", e.Name, where, e.Offset, e.Kernel, source(e.Place))
		reached(&b, e)
		if len(e.Without) > 0 {
			prose(&b, o.Width, "  never in: ", cells(e.Without))
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write explanation: %w", err)
	}
	return nil
}

// source says where in the kernel's source a function is, and how certain that is.
func source(p code.Place) string {
	switch {
	case p.Subsystem == "":
		return "its place in the kernel's source is not known"
	case p.Approximate:
		return fmt.Sprintf("probably of %s, by its name: there is no table of this kernel's source that holds it", p.Subsystem)
	}
	out := "of " + p.Subsystem
	if p.File != "" {
		out += fmt.Sprintf(": %s:%d", p.File, p.Line)
	}
	if p.Bytes > 0 {
		out += fmt.Sprintf(", %d bytes", p.Bytes)
	}
	if p.Lines > 0 {
		out += fmt.Sprintf(" from %d lines", p.Lines)
	}
	return out
}

func reached(b *bytes.Buffer, e analysis.Explanation) {
	if len(e.Reached) == 0 {
		b.WriteString("  no cell was seen to run it\n")
		return
	}
	t := newTable()
	t.AppendHeader(table.Row{"cell", "phase", "context", "by", "repetitions", "entries (median)"})
	for _, r := range e.Reached {
		median := fmt.Sprintf("%g", r.Median())
		if r.Bounds {
			median = "≥ " + median
		}
		t.AppendRow(table.Row{r.Cell.String(), r.Phase, r.Context, roles(r.Roles), fmt.Sprintf("%d of %d", r.In, r.Of), median})
	}
	b.WriteString("\n" + draw(t) + "\n")
}

func roles(all []record.Role) string {
	parts := make([]string, len(all))
	for i, r := range all {
		parts[i] = string(r)
	}
	return strings.Join(parts, ", ")
}

func cells(all []record.Cell) string {
	parts := make([]string, len(all))
	for i, c := range all {
		parts[i] = c.String()
	}
	return strings.Join(parts, ", ")
}

// ExplainCell writes all about one cell.
func ExplainCell(w io.Writer, e *analysis.CellExplanation, o Options) error {
	if o.Width == 0 {
		o.Width = 100
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", e.Named)
	if e.Cell != nil {
		fmt.Fprintf(&b, "  counted: %s\n", state(&e.Cell.Outcome))
		troubles(&b, &e.Cell.Outcome, o.Width)
		counted(&b, e, o.Width)
	}
	for _, t := range e.Timed {
		fmt.Fprintf(&b, "\n  timed %s: %s\n", t.Place, state(&t.Outcome))
		troubles(&b, &t.Outcome, o.Width)
		for _, m := range analysis.TimingMetrics() {
			if s := t.Series(m); s != nil {
				interval := ""
				if s.CI != nil {
					interval = " [" + m.SayInterval(s.Median, s.CI) + "]"
				}
				fmt.Fprintf(&b, "    %-16s %s%s\n", m, m.Say(s.Median), interval)
			}
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write explanation: %w", err)
	}
	return nil
}

func state(o *analysis.Outcome) string {
	parts := []string{}
	for _, s := range analysis.Statuses() {
		if n := o.Counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return fmt.Sprintf("%s, of %d repetitions", strings.Join(parts, ", "), o.Planned)
}

func troubles(b *bytes.Buffer, o *analysis.Outcome, width int) {
	for _, t := range o.Troubles {
		first, _, _ := strings.Cut(t.Reason, "\n")
		prose(b, width, "    ", fmt.Sprintf("%s: %s", t.Status, first))
		if t.Remedy != "" {
			prose(b, width, "      → ", t.Remedy)
		}
	}
	for _, n := range o.Notes {
		prose(b, width, "    note: ", n.Text)
	}
}

// counted writes the numbers of each phase, and what the cell runs that others do not.
func counted(b *bytes.Buffer, e *analysis.CellExplanation, width int) {
	if e.Measured() == 0 {
		return
	}
	t := newTable()
	t.AppendHeader(table.Row{"phase", "n", "functions, process", "softirq", "hardirq", "syscalls", "vm-exits", "vhost-calls"})
	for _, phase := range analysis.Phases() {
		n := len(e.Samples(phase))
		if n == 0 {
			continue
		}
		row := table.Row{phase, n}
		for _, key := range []analysis.Key{
			{Phase: phase, Context: record.InProcess, Metric: analysis.UniqueFunctions}, {Phase: phase, Context: record.InSoftIRQ, Metric: analysis.UniqueFunctions},
			{Phase: phase, Context: record.InHardIRQ, Metric: analysis.UniqueFunctions}, {Phase: phase, Context: record.InProcess, Metric: analysis.UniqueSyscalls},
			{Phase: phase, Context: record.InProcess, Metric: analysis.VMExits}, {Phase: phase, Context: record.InProcess, Metric: analysis.VhostCalls},
		} {
			row = append(row, span(e.Summary(key.Phase, key.Context, key.Metric)))
		}
		t.AppendRow(row)
	}
	b.WriteString("\n" + draw(t) + "\n\n")
	if e.Alone {
		b.WriteString("  no other variant was measured under the workload\n")
	} else {
		prose(b, width, "  ", fmt.Sprintf("In the steady state, process context, %d functions are run by every measured variant under the workload, %d by this one alone.", e.Shared, len(e.Private)))
		if len(e.Private) > 0 {
			prose(b, width, "    ", strings.Join(e.Private, ", "))
		}
	}
	if len(e.Subsystems) > 0 {
		bySubsystem(b, e, width)
	}
	if len(e.Convergence.Seen) > 0 {
		prose(b, width, "  ", fmt.Sprintf("Seen by repetition: %s; %.1f %% unseen by Chao1's estimate.", e.Convergence.Curve(), 100*e.Convergence.Richness.Unseen()))
	}
	if len(e.Busiest) > 0 {
		parts := make([]string, len(e.Busiest))
		for i, f := range e.Busiest {
			parts[i] = fmt.Sprintf("%s %d", f.Name, f.Entries)
		}
		prose(b, width, "  ", "Most entered: "+strings.Join(parts, ", ")+".")
	}
}

func bySubsystem(b *bytes.Buffer, e *analysis.CellExplanation, width int) {
	var parts []string
	rest := 0
	for i, s := range e.Subsystems {
		switch {
		case i >= shown:
			rest += s.Functions
		case s.Name == "":
			parts = append(parts, fmt.Sprintf("not known %d", s.Functions))
		default:
			parts = append(parts, fmt.Sprintf("%s %d", s.Name, s.Functions))
		}
	}
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("others %d", rest))
	}
	text := "By subsystem, over all repetitions: " + strings.Join(parts, ", ")
	if e.Guessed > 0 {
		text += fmt.Sprintf(" (%d of them guessed by their names)", e.Guessed)
	}
	prose(b, width, "  ", text+".")
}

// span is a median with its range.
func span(s *analysis.Summary) string {
	switch {
	case s == nil:
		return "–"
	case s.N == 1:
		return fmt.Sprintf("%g", s.Median)
	}
	return fmt.Sprintf("%g [%g–%g]", s.Median, s.Min, s.Max)
}
