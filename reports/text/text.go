// Package text writes a report for the terminal: medians and ranges by variant
// and workload, and everything that keeps a number from being ok as footnotes.
package text

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"hapscope/analysis"
	"hapscope/record"
)

// Options of Write.
type Options struct {
	Color bool // the caller knows whether it writes to a terminal
	Width int  // columns at which prose is wrapped; 0 is 100
}

// matrix is one of the tables.
type matrix struct {
	title string
	key   analysis.Key
	vm    bool // of interest where a virtual machine has it
}

// matrices lists the tables: the HAP first.
func matrices() []matrix {
	return []matrix{
		{"Unique host-kernel functions, steady state, process context", analysis.HAP(), false},
		{"Unique host-kernel functions, steady state, interrupt contexts", analysis.Key{Phase: record.Steady, Context: analysis.Interrupt, Metric: analysis.UniqueFunctions}, false},
		{"Control: unique host-kernel functions of the idle sandbox, process context", analysis.Key{Phase: record.Idle, Context: record.InProcess, Metric: analysis.UniqueFunctions}, false},
		{"Unique host-kernel functions, create+boot, process context", analysis.Key{Phase: analysis.CreateBoot, Context: record.InProcess, Metric: analysis.UniqueFunctions}, false},
		{"Unique host system calls, steady state", analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: analysis.UniqueSyscalls}, false},
		{"VM exits, steady state", analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: analysis.VMExits}, true},
		{"Work items of vhost, steady state", analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: analysis.VhostCalls}, true},
		{"Requests served by virtiofsd, create+boot", analysis.Key{Phase: analysis.CreateBoot, Context: record.InProcess, Metric: analysis.VirtiofsRequests}, true},
		{"Requests served by virtiofsd, steady state", analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: analysis.VirtiofsRequests}, true},
	}
}

// Write writes the report.
func Write(w io.Writer, r *analysis.Report, o Options) error {
	if o.Width == 0 {
		o.Width = 100
	}
	var b bytes.Buffer
	notes := r.Footnotes()
	fmt.Fprintf(&b, "%s · %s\n\n", r.Run.Plan.Scenario, r.Conditions())
	prose(&b, o.Width, "", r.Verdict())
	if r.Check != nil {
		b.WriteByte('\n')
		check(&b, r.Check, o.Width)
	}
	for _, m := range matrices() {
		if m.key.Phase == record.Idle && r.Run.Plan.Idle == 0 || len(r.Cells) == 0 && len(r.Timed) > 0 {
			continue
		}
		if m.vm && !r.Some(m.key) {
			continue
		}
		fmt.Fprintf(&b, "\n%s: median [min–max]\n", m.title)
		b.WriteString(render(r, m.key, notes, o))
		b.WriteByte('\n')
	}
	subsystems(&b, r, o.Width)
	weights(&b, r)
	timings(&b, r, notes, o)
	layers(&b, r, o.Width)
	policy(&b, r)
	sides(&b, r, o.Width)
	instruments(&b, r, o.Width)
	if len(notes) > 0 {
		b.WriteString("\nNot ok\n")
	}
	for _, n := range notes {
		prose(&b, o.Width, fmt.Sprintf(" (%d) ", n.Number), fmt.Sprintf("%s: %s: %s", n.Status, n.Where(), n.Brief()))
		if detail := n.Detail(); detail != "" { // as it was printed: never wrapped
			fmt.Fprintln(&b, "     | "+strings.ReplaceAll(detail, "\n", "\n     | "))
		}
		if n.Remedy != "" {
			prose(&b, o.Width, "     → ", n.Remedy)
		}
	}
	title := "\nTo know\n"
	for _, warning := range r.Warnings {
		if warning.Kind == analysis.WarnUnfinished || warning.Kind == analysis.WarnDegraded {
			continue // the footnotes say it, with reasons
		}
		b.WriteString(title)
		title = ""
		prose(&b, o.Width, "  • ", warning.Text)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write text: %w", err)
	}
	return nil
}

// render draws one table.
func render(r *analysis.Report, key analysis.Key, notes []analysis.Footnote, o Options) string {
	t := newTable()
	header := table.Row{"variant"}
	for _, w := range r.Run.Plan.Workloads {
		header = append(header, w)
	}
	t.AppendHeader(header)
	for _, v := range r.Run.Plan.Variants {
		row := table.Row{v}
		for _, w := range r.Run.Plan.Workloads {
			row = append(row, entry(r.Cell(v, w), key, notes, o.Color))
		}
		t.AppendRow(row)
	}
	return draw(t)
}

// newTable is an empty table in the style of all.
func newTable() table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Options.SeparateHeader = true
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	return t
}

// draw returns a table without blanks at the ends of lines.
func draw(t table.Writer) string {
	lines := strings.Split(t.Render(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// entry is what a table says of a cell: its number, or why it has none.
func entry(c *analysis.Cell, key analysis.Key, notes []analysis.Footnote, color bool) string {
	if c == nil {
		return "not planned"
	}
	mark := ""
	for _, n := range analysis.NumbersOf(notes, c.Cell) {
		mark += fmt.Sprintf(" (%d)", n)
	}
	out := ""
	switch s := c.Summary(key.Phase, key.Context, key.Metric); {
	case s == nil && c.Measured() > 0:
		out = "not measured"
	case s == nil:
		out = string(c.Status)
	case s.N == 1:
		out = fmt.Sprintf("%g", s.Median)
	default:
		out = fmt.Sprintf("%g [%g–%g]", s.Median, s.Min, s.Max)
	}
	if color {
		out = paint(c.Status).Sprint(out)
	}
	return out + mark
}

// paint returns the colour of a status. Numbers that are ok stay as they are.
func paint(s record.Status) text.Colors {
	switch s {
	case record.OK:
		return nil
	case record.Failed:
		return text.Colors{text.FgRed}
	case record.Skipped, analysis.Missing:
		return text.Colors{text.Faint}
	default:
		return text.Colors{text.FgYellow}
	}
}

// prose writes a paragraph that begins with lead and hangs under its end.
func prose(b *bytes.Buffer, width int, lead, s string) {
	indent := strings.Repeat(" ", text.StringWidthWithoutEscSequences(lead))
	for _, l := range strings.Split(text.WrapSoft(s, max(width-len(indent), 20)), "\n") {
		fmt.Fprintln(b, lead+strings.TrimSpace(l))
		lead = indent
	}
}
