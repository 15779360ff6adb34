// Package markdown writes a report as GitHub-flavoured Markdown, to be pasted into an
// issue, a README or a job summary: the verdict, the tables that one quotes, and
// everything that keeps a number from being ok.
package markdown

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"hapscope/analysis"
	"hapscope/record"
)

// Write writes the report.
func Write(w io.Writer, r *analysis.Report) error {
	var b bytes.Buffer
	notes := r.Footnotes()
	fmt.Fprintf(&b, "# hapscope: %s\n\n**%s** %s\n\n%s\n", Escape(r.Run.Plan.Scenario), Escape(r.Headline()), Escape(r.Coverage()), Escape(r.Conditions()))
	check(&b, r.Check)
	for _, m := range matrices() {
		if r.Any(m.key) && (!m.some || r.Some(m.key)) || m.key == analysis.HAP() && len(r.Cells) > 0 {
			fmt.Fprintf(&b, "\n## %s\n\nMedian, and minimum–maximum over repetitions.\n\n", m.title)
			counted(&b, r, m.key, notes)
		}
	}
	sharings(&b, r)
	timings(&b, r, notes)
	troubles(&b, r, notes)
	provenance(&b, r)
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write markdown: %w", err)
	}
	return nil
}

// matrix is a table of variants by workloads.
type matrix struct {
	title string
	key   analysis.Key
	some  bool // only of interest where it is not all nothing
}

func matrices() []matrix {
	steady := func(m analysis.Metric) analysis.Key {
		return analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: m}
	}
	return []matrix{
		{"Unique host-kernel functions, steady state, process context", analysis.HAP(), false},
		{"Unique host-kernel functions, steady state, with interrupts", analysis.Key{Phase: record.Steady, Context: analysis.Any, Metric: analysis.UniqueFunctions}, false},
		{"Unique host-kernel functions, create+boot, process context", analysis.Key{Phase: analysis.CreateBoot, Context: record.InProcess, Metric: analysis.UniqueFunctions}, false},
		{"Unique host system calls, steady state", steady(analysis.UniqueSyscalls), false},
		{"VM exits, steady state", steady(analysis.VMExits), true},
		{"Hypercalls, steady state", steady(analysis.Hypercalls), true},
		{"Work items of vhost, steady state", steady(analysis.VhostCalls), true},
	}
}

// table writes one of variants by workloads; entry says what stands in it, and whether
// that is planned.
func table(b *bytes.Buffer, r *analysis.Report, entry func(variant, workload string) (text string, planned bool)) {
	b.WriteString("| variant |")
	for _, w := range r.Run.Plan.Workloads {
		fmt.Fprintf(b, " %s |", Escape(w))
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(r.Run.Plan.Workloads)) + "\n")
	for _, v := range r.Run.Plan.Variants {
		row, any := "| "+Escape(v)+" |", false
		for _, w := range r.Run.Plan.Workloads {
			text, planned := entry(v, w)
			row, any = row+" "+text+" |", any || planned
		}
		if any {
			b.WriteString(row + "\n")
		}
	}
}

func counted(b *bytes.Buffer, r *analysis.Report, key analysis.Key, notes []analysis.Footnote) {
	table(b, r, func(variant, workload string) (string, bool) {
		c := r.Cell(variant, workload)
		if c == nil {
			return "not planned", false
		}
		out := string(c.Status)
		switch s := c.Summary(key.Phase, key.Context, key.Metric); {
		case s == nil && c.Measured() > 0:
			out = "not measured"
		case s == nil:
		case s.N == 1:
			out = fmt.Sprintf("**%g**", s.Median)
		default:
			out = fmt.Sprintf("**%g** %g–%g", s.Median, s.Min, s.Max)
		}
		return out + marks(analysis.NumbersOf(notes, c.Cell)), true
	})
}

// marks refers to entries of the list of troubles.
func marks(numbers []int) (s string) {
	for _, n := range numbers {
		s += fmt.Sprintf(" <sup>%d</sup>", n)
	}
	return s
}

// Escape keeps text of a record from being taken for markup, or for the end of a
// table's cell or row.
func Escape(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "]", "\\]", "#", "\\#", "~", "\\~", "@", "&#64;").Replace(s)
}
