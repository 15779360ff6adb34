// Package github writes what GitHub Actions shows: the summary of a job, in Markdown, and
// annotations, which are lines on standard output.
//
// Both are limited by GitHub: a step's summary to 1 MiB, beyond which none of it is shown,
// and a step's annotations to ten of each level.
package github

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"hapscope/analysis"
	"hapscope/record"
)

const (
	// most is how large a summary may be, in bytes, with room for what ends it.
	most = 1<<20 - 1<<10
	// annotations is how many are written, of both levels together.
	annotations = 10
	// rows is how many findings the summary lists.
	rows = 200
	// listed is how many functions a finding names.
	listed = 30
)

// Write writes the summary.
func Write(w io.Writer, r *analysis.Report) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## hapscope: %s\n\n%s\n\n%s\n", escape(r.Run.Plan.Scenario), escape(r.Verdict()), escape(r.Conditions()))
	if r.Check != nil {
		check(&b, r.Check)
	}
	table(&b, r)
	notes(&b, r)
	if _, err := w.Write(cut(b.Bytes())); err != nil {
		return fmt.Errorf("write github summary: %w", err)
	}
	return nil
}

// cut keeps whole lines of what GitHub would refuse as a whole.
func cut(b []byte) []byte {
	if len(b) <= most {
		return b
	}
	b = b[:bytes.LastIndexByte(b[:most], '\n')+1]
	return append(bytes.Clone(b), "\n… cut off: GitHub shows no summary above 1 MiB. The HTML report has everything.\n"...)
}

func check(b *bytes.Buffer, c *analysis.Check) {
	mark := "✅"
	if c.Failed() {
		mark = "❌"
	}
	fmt.Fprintf(b, "\n### %s %s\n", mark, escape(c.Headline()))
	bad := c.Bad()
	for i, f := range bad[:min(len(bad), rows)] {
		if i == 0 {
			b.WriteString("\n| level | rule | limit | what | functions |\n|---|---|---|---|---|\n")
		}
		fmt.Fprintf(b, "| %s, %s | %s | %s | %s | %s |\n", f.Level(), f.Verdict, escape(f.Name()), f.Limit, escape(f.Sentence()), escape(strings.Join(f.Named(listed), ", ")))
	}
	if len(bad) > rows {
		fmt.Fprintf(b, "\n… and %d more.\n", len(bad)-rows)
	}
}

// table is the profile by variant and workload.
func table(b *bytes.Buffer, r *analysis.Report) {
	if len(r.Cells) == 0 {
		return
	}
	b.WriteString("\n### Unique functions, steady state, process context\n\n| variant |")
	for _, w := range r.Run.Plan.Workloads {
		fmt.Fprintf(b, " %s |", escape(w))
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(r.Run.Plan.Workloads)) + "\n")
	for _, v := range r.Run.Plan.Variants {
		fmt.Fprintf(b, "| %s |", escape(v))
		for _, w := range r.Run.Plan.Workloads {
			fmt.Fprintf(b, " %s |", entry(r.Cell(v, w)))
		}
		b.WriteByte('\n')
	}
}

// entry is a cell's median with its range, or why there is none.
func entry(c *analysis.Cell) string {
	switch {
	case c == nil:
		return "not planned"
	case c.HAP() == nil:
		return string(c.Status)
	}
	s := c.HAP()
	out := fmt.Sprintf("%g", s.Median)
	if s.N > 1 {
		out += fmt.Sprintf(" [%g–%g]", s.Min, s.Max)
	}
	if c.Status != record.OK {
		out += " " + string(c.Status)
	}
	return out
}

func notes(b *bytes.Buffer, r *analysis.Report) {
	all := r.Footnotes()
	if len(all) > 0 {
		b.WriteString("\n### Not ok\n\n")
	}
	for _, n := range all {
		fmt.Fprintf(b, "%d. %s: %s: %s\n", n.Number, n.Status, escape(n.Where()), escape(n.Brief()))
	}
}

// escape keeps names and messages from being Markdown or HTML.
func escape(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\n' || c == '\r':
			b.WriteByte(' ')
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_[]|#~!", c):
			b.WriteByte('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Annotate writes the annotations: at most ten, errors first; the last one says how many
// there would be.
func Annotate(w io.Writer, r *analysis.Report) error {
	if r.Check == nil {
		return nil
	}
	all := r.Check.Bad()
	shown := all
	if len(all) > annotations {
		shown = all[:annotations-1]
	}
	for _, f := range shown {
		if err := annotate(w, f.Level(), place(f), "hapscope: "+f.Name(), f.Sentence()); err != nil {
			return err
		}
	}
	if left := all[len(shown):]; len(left) > 0 {
		return annotate(w, left[0].Level(), "", "hapscope", fmt.Sprintf("%d more are in the summary of the job", len(left)))
	}
	return nil
}

// place names the budget's line.
func place(f analysis.Finding) string {
	if f.Rule == nil {
		return ""
	}
	return fmt.Sprintf("file=%s,line=%d,col=%d,", property(f.Where.File), f.Where.Line, f.Where.Column)
}

// annotate writes a workflow command.
func annotate(w io.Writer, level, place, title, text string) error {
	if _, err := fmt.Fprintf(w, "::%s %stitle=%s::%s\n", level, place, property(title), data(text)); err != nil {
		return fmt.Errorf("write github annotation: %w", err)
	}
	return nil
}

// data escapes the text of a command as the runner's toolkit does, so that nothing in it
// begins another one.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}
