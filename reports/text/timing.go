package text

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"hapscope/analysis"
	"hapscope/record"
)

// timings writes what was timed, place by place.
func timings(b *bytes.Buffer, r *analysis.Report, notes []analysis.Footnote, o Options) {
	for _, p := range r.Places() {
		fmt.Fprintf(b, "\nTimed %s\n", analysis.PlaceName(p))
		prose(b, o.Width, "", "Median ± how far its exact 95 % interval reaches, and the ratio to "+r.Reference()+"; ≈: no difference shown (Mann-Whitney U, corrected p ≥ .05). No collector was armed.")
		for _, m := range []analysis.Metric{analysis.ReqPerSec, analysis.P50, analysis.P99, analysis.StartUp, analysis.RSS, analysis.CPUPerKReq} {
			if rendered, any := renderTimed(r, p, m, notes, o); any {
				fmt.Fprintf(b, "\n%s (%s), %s\n%s\n", m.Title(), p, m, rendered)
			}
		}
	}
	publishedTable(b, r, o)
}

// renderTimed draws one metric at a place, and says whether any cell has it.
func renderTimed(r *analysis.Report, p record.Place, m analysis.Metric, notes []analysis.Footnote, o Options) (rendered string, any bool) {
	t := newTable()
	header := table.Row{"variant"}
	for _, w := range r.Run.Plan.Workloads {
		header = append(header, w)
	}
	t.AppendHeader(header)
	for _, v := range r.Run.Plan.Variants {
		row, planned := table.Row{v}, false
		for _, w := range r.Run.Plan.Workloads {
			c := r.TimedCell(p, v, w)
			planned, any = planned || c != nil, any || c != nil && c.Series(m) != nil
			row = append(row, timedEntry(c, m, notes, o.Color))
		}
		if planned {
			t.AppendRow(row)
		}
	}
	return draw(t), any
}

// timedEntry is what a table says of a timed cell.
func timedEntry(c *analysis.Timed, m analysis.Metric, notes []analysis.Footnote, color bool) string {
	if c == nil {
		return "not planned"
	}
	mark := ""
	for _, n := range analysis.NumbersOfTimed(notes, c) {
		mark += fmt.Sprintf(" (%d)", n)
	}
	out := string(c.Status)
	switch s := c.Series(m); {
	case s == nil && c.Counts[record.OK] > 0:
		out = "not measured"
	case s != nil:
		out = timedNumber(m, s)
	}
	if color {
		out = paint(c.Status).Sprint(out)
	}
	return out + mark
}

func timedNumber(m analysis.Metric, s *analysis.Series) string {
	out := strings.ReplaceAll(m.Say(s.Median), "\u00a0", " ")
	if s.CI == nil {
		out += " ±?"
	} else {
		out += fmt.Sprintf(" ±%.0f%%", 100*s.Spread())
	}
	if s.ToReference == nil {
		return out
	}
	out += fmt.Sprintf(", %.2f×", s.ToReference.Ratio)
	if !s.ToReference.Differs() {
		out += " ≈"
	}
	return out
}

// publishedTable sets published numbers beside those of the record.
func publishedTable(b *bytes.Buffer, r *analysis.Report, o Options) {
	all := r.PublishedBeside()
	if len(all) == 0 {
		return
	}
	t := newTable()
	t.AppendHeader(table.Row{"cell", "what", "published, of docker", "here, of " + r.Reference(), "source"})
	for _, p := range all {
		for _, ours := range p.Ours {
			here := fmt.Sprintf("%.2f", ours.Ratio)
			if ours.Where != "" {
				here += fmt.Sprintf(" (%s)", ours.Where)
			}
			t.AppendRow(table.Row{p.Cell.String(), p.What(), fmt.Sprintf("%.2f", p.Ratio()), here, p.Source + ", " + p.Date})
		}
	}
	b.WriteString("\nPublished beside ours\n")
	prose(b, o.Width, "", "Bars read off the authors' figures, on other machines and kernels and with other versions and load: compare the order, not the digits.")
	b.WriteString(draw(t) + "\n")
	if line := r.NablaBeside(); line != "" {
		prose(b, o.Width, "  • ", line)
	}
}
