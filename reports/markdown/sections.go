package markdown

import (
	"bytes"
	"fmt"
	"strings"

	"hapscope/analysis"
	"hapscope/record"
)

// sharings says what the variants of each workload have in common.
func sharings(b *bytes.Buffer, r *analysis.Report) {
	for i, s := range r.Sharings() {
		if i == 0 {
			b.WriteString("\n## What differs\n\nFunctions of the steady state in process context, over all repetitions: those that no other variant reaches, and how alike two sets are (Jaccard).\n")
		}
		fmt.Fprintf(b, "\n%s: %d functions are shared by all %d.\n\n| variant | functions | private |", Escape(s.Workload), len(s.Shared), len(s.Variants))
		for _, v := range s.Variants {
			fmt.Fprintf(b, " %s |", Escape(v))
		}
		b.WriteString("\n|---|---:|---:|" + strings.Repeat("---:|", len(s.Variants)) + "\n")
		for i, v := range s.Variants {
			fmt.Fprintf(b, "| %s | %d | %d |", Escape(v), s.Sizes[i], len(s.Private[i]))
			for j, like := range s.Jaccard[i] {
				if i == j {
					b.WriteString(" – |")
					continue
				}
				fmt.Fprintf(b, " %.0f %% |", 100*like)
			}
			b.WriteByte('\n')
		}
	}
}

// timings writes what was timed, place by place.
func timings(b *bytes.Buffer, r *analysis.Report, notes []analysis.Footnote) {
	for _, p := range r.Places() {
		fmt.Fprintf(b, "\n## Timed %s\n\nMedian with its exact 95 %% interval, and the ratio to %s; ≈: no difference is shown. No collector was armed.\n", Escape(analysis.PlaceName(p)), Escape(r.Reference()))
		for _, m := range []analysis.Metric{analysis.ReqPerSec, analysis.P50, analysis.P99, analysis.StartUp, analysis.RSS} {
			if !has(r, p, m) {
				continue
			}
			fmt.Fprintf(b, "\n%s\n\n", m.Title())
			table(b, r, func(variant, workload string) (string, bool) {
				return timed(r.TimedCell(p, variant, workload), m, notes)
			})
		}
	}
}

func has(r *analysis.Report, p record.Place, m analysis.Metric) bool {
	for _, t := range r.Timed {
		if t.Place == p && t.Series(m) != nil {
			return true
		}
	}
	return false
}

func timed(t *analysis.Timed, m analysis.Metric, notes []analysis.Footnote) (text string, planned bool) {
	if t == nil {
		return "not planned", false
	}
	out := string(t.Status)
	switch s := t.Series(m); {
	case s == nil && t.Counts[record.OK] > 0:
		out = "not measured"
	case s != nil:
		out = "**" + m.Say(s.Median) + "**"
		if s.CI != nil {
			out += " " + m.SayInterval(s.Median, s.CI)
		}
		if s.ToReference != nil {
			out += fmt.Sprintf(", %.2f ×", s.ToReference.Ratio)
			if !s.ToReference.Differs() {
				out += " ≈"
			}
		}
	}
	return out + marks(analysis.NumbersOfTimed(notes, t)), true
}

// troubles lists what is not ok and what to know.
func troubles(b *bytes.Buffer, r *analysis.Report, notes []analysis.Footnote) {
	for i, n := range notes {
		if i == 0 {
			b.WriteString("\n## Not ok, and what to do about it\n\n")
		}
		fmt.Fprintf(b, "%d. **%s** %s: %s", n.Number, n.Status, Escape(n.Where()), Escape(n.Brief()))
		if n.Remedy != "" {
			fmt.Fprintf(b, " → %s", Escape(n.Remedy))
		}
		b.WriteByte('\n')
	}
	title := "\n## To know before quoting a number\n\n"
	for _, w := range r.Warnings {
		if w.Kind == analysis.WarnUnfinished || w.Kind == analysis.WarnDegraded {
			continue // the list above says it, with reasons
		}
		fmt.Fprintf(b, "%s- %s\n", title, Escape(w.Text))
		title = ""
	}
}

// provenance says of which run, kernel and version the numbers are.
func provenance(b *bytes.Buffer, r *analysis.Report) {
	fmt.Fprintf(b, "\nRun %s of hapscope %s", Escape(r.Run.ID), Escape(r.Run.Hapscope.Version))
	if m := r.Run.Machine; m != nil {
		fmt.Fprintf(b, "; functions counted on Linux %s, build %s", Escape(m.Release), Escape(m.BuildID))
	}
	b.WriteString(".\n")
}
