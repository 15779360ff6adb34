// Package ghabenchmark writes medians as github-action-benchmark reads them
// (customSmallerIsBetter), which draws them over commits. Only numbers of which less is
// better go in, and of those only sound ones: a lower bound would look like progress.
package ghabenchmark

import (
	"encoding/json"
	"fmt"
	"io"

	"hapscope/analysis"
	"hapscope/record"
)

// Entry is one number.
type Entry struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`           // median
	Range string  `json:"range,omitempty"` // least to greatest, or the 95 % interval of a timing
	Extra string  `json:"extra,omitempty"` // how many repetitions, and in how far it kept a budget
}

// counted are the numbers of the steady state that are drawn.
func counted() []analysis.Metric {
	return []analysis.Metric{analysis.UniqueFunctions, analysis.UniqueSyscalls, analysis.VMExitsPerReq}
}

// Write writes the report.
func Write(w io.Writer, r *analysis.Report) error {
	entries := []Entry{}
	for _, c := range r.Cells {
		for _, m := range counted() {
			key := analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: m}
			s := c.Summary(key.Phase, key.Context, key.Metric)
			if s == nil || c.Status != record.OK || m == analysis.VMExitsPerReq && s.Max == 0 {
				continue
			}
			entries = append(entries, Entry{fmt.Sprintf("%s/%s/%s", c.Variant, c.Workload, m), m.Unit(), s.Median,
				fmt.Sprintf("%g–%g", s.Min, s.Max), fmt.Sprintf("n=%d", s.N) + kept(r.Check, c.Cell, key)})
		}
	}
	for _, t := range r.Timed {
		if t.Status != record.OK {
			continue
		}
		for _, m := range analysis.TimingMetrics() {
			s := t.Series(m)
			if s == nil || m.Better() != "lower" {
				continue
			}
			e := Entry{Name: fmt.Sprintf("%s/%s/%s (%s)", t.Variant, t.Workload, m, t.Place), Unit: m.Unit(), Value: s.Median,
				Extra: fmt.Sprintf("n=%d", len(s.Values)) + kept(r.Check, t.Cell, analysis.Key{Phase: analysis.TimedPhase, Context: record.Context(t.Place), Metric: m})}
			if s.CI != nil {
				e.Range = fmt.Sprintf("%.4g–%.4g", s.CI.Low, s.CI.High)
			}
			entries = append(entries, e)
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(entries); err != nil {
		return fmt.Errorf("write gha-benchmark: %w", err)
	}
	return nil
}

// kept says what a check found of the number.
func kept(c *analysis.Check, cell record.Cell, key analysis.Key) (out string) {
	if c == nil {
		return ""
	}
	for _, f := range c.Findings {
		if f.Cell != nil && *f.Cell == cell && f.Key == key {
			out += fmt.Sprintf("\n%s: %s: %s", f.Name(), f.Verdict, f.Text)
		}
	}
	return out
}
