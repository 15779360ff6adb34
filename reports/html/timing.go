package html

import (
	"errors"
	"fmt"
	"html/template"
	"math"
	"strings"

	"hapscope/analysis"
	"hapscope/record"
	"hapscope/reports/plot"
)

// timing is what was timed at one place.
type timing struct {
	Place   record.Place
	Words   string          // the place, in words
	Machine *record.Machine // nil where the record does not know it
	Figures []*figure
	Tables  []timingTable
	More    []timingTable // of metrics that fewer people ask for
	Noise   *analysis.Noise
}

// timingTable is one metric of variants by workloads.
type timingTable struct {
	ID        string
	Title     string
	Metric    analysis.Metric
	Workloads []string
	Rows      []timingRow
}

type timingRow struct {
	Variant string
	Entries []timingEntry
}

// timingEntry is what a table shows of a cell.
type timingEntry struct {
	T     *analysis.Timed  // nil where nothing was planned
	S     *analysis.Series // nil where there is no number
	Notes []int            // footnotes
}

// timingFunctions are those that the templates of timings may call besides.
func timingFunctions() template.FuncMap {
	return template.FuncMap{
		"pvalue":       pvalue,
		"milliseconds": func(seconds float64) string { return fmt.Sprintf("%.3g", seconds*1000) },
		"timed":        func(mk string, m timingTable, pk string, p *page) map[string]any { return map[string]any{mk: m, pk: p} },
	}
}

// newTimings makes a part of each place, so that none is ever mixed with another.
func newTimings(r *analysis.Report, notes []analysis.Footnote) (out []timing, err error) {
	for _, p := range r.Places() {
		t := timing{Place: p, Words: analysis.PlaceName(p), Machine: r.MachineAt(p)}
		if t.Figures, err = timingFigures(r, p); err != nil {
			return nil, err
		}
		for _, m := range analysis.TimingMetrics() {
			table, any := newTimingTable(r, p, m, notes)
			switch {
			case !any:
			case m == analysis.ReqPerSec, m == analysis.P50, m == analysis.P99, m == analysis.StartUp, m == analysis.RSS:
				t.Tables = append(t.Tables, table)
			default:
				t.More = append(t.More, table)
			}
		}
		for _, n := range r.Noises {
			if n.Place == p {
				t.Noise = &n
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// timingFigures draws those for which there are numbers.
func timingFigures(r *analysis.Report, p record.Place) (out []*figure, err error) {
	for _, f := range []struct {
		timing plot.Timing
		title  string
		metric analysis.Metric
	}{
		{plot.TradeOff, "Horizontal attack profile against throughput", analysis.ReqPerSec},
		{plot.Throughput, "Throughput in saturation, relative to " + r.Reference(), analysis.ReqPerSec},
		{plot.Latency, "Latency at a fixed rate", analysis.P99},
		{plot.StartUp, "Start-up", analysis.StartUp},
		{plot.Memory, "Resident memory", analysis.RSS},
	} {
		words := describeTiming(r, p, f.timing, f.metric)
		if words == "" {
			continue
		}
		drawn, err := drawFigure(r, string(f.timing)+"-"+string(p), fmt.Sprintf("%s (%s)", f.title, p), words, plot.Options{Timing: f.timing, Place: p})
		if errors.Is(err, plot.ErrNothing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, drawn)
	}
	return out, nil
}

func newTimingTable(r *analysis.Report, p record.Place, m analysis.Metric, notes []analysis.Footnote) (table timingTable, any bool) {
	table = timingTable{ID: fmt.Sprintf("timed-%s-%s", p, strings.NewReplacer("/", "-", ".", "-").Replace(string(m))), Title: m.Title(), Metric: m, Workloads: r.Run.Plan.Workloads}
	for _, v := range r.Run.Plan.Variants {
		row, planned := timingRow{Variant: v}, false
		for _, w := range table.Workloads {
			e := timingEntry{T: r.TimedCell(p, v, w)}
			if e.T != nil {
				e.S, e.Notes, planned = e.T.Series(m), analysis.NumbersOfTimed(notes, e.T), true
			}
			any = any || e.S != nil
			row.Entries = append(row.Entries, e)
		}
		if planned {
			table.Rows = append(table.Rows, row)
		}
	}
	return table, any
}

// Bad is how many of the repetitions have no number.
func (e timingEntry) Bad() int { return e.T.Planned - e.T.Counts[record.OK] }

// describeTiming says in words what a figure of timings shows; nothing where it would
// show nothing.
func describeTiming(r *analysis.Report, p record.Place, t plot.Timing, m analysis.Metric) string {
	if t == plot.TradeOff {
		return describeTradeOffs(r.TradeOffs(p))
	}
	var b strings.Builder
	numbers := false
	for _, c := range r.Timed {
		if c.Place != p {
			continue
		}
		s := c.Series(m)
		if s == nil {
			fmt.Fprintf(&b, "%s: %s. ", c.Cell, c.Status)
			continue
		}
		numbers = true
		fmt.Fprintf(&b, "%s: %s", c.Cell, m.Say(s.Median))
		if s.ToReference != nil {
			fmt.Fprintf(&b, ", %.2f times %s", s.ToReference.Ratio, r.Reference())
		}
		b.WriteString(". ")
	}
	if !numbers {
		return ""
	}
	return strings.TrimSpace(b.String())
}

func describeTradeOffs(all []analysis.TradeOff) string {
	var b strings.Builder
	for _, o := range all {
		fmt.Fprintf(&b, "%s: ", o.Workload)
		for i, p := range o.Points {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s %g functions at %s", p.Variant, p.HAP.Median, analysis.ReqPerSec.Say(p.Throughput.Median))
			if p.Front {
				b.WriteString(" (on the front)")
			}
		}
		b.WriteString(". ")
	}
	return strings.TrimSpace(b.String())
}

// pvalue writes a p-value to what one can tell from it.
func pvalue(p float64) string {
	if p < .001 {
		return "p < .001"
	}
	return "p = " + strings.TrimPrefix(fmt.Sprintf("%.3f", math.Min(p, 1)), "0")
}
