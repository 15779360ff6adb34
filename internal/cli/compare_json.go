package cli

import (
	"hapscope/analysis"
	"hapscope/record"
)

// jsonComparison is what compare --json prints.
type jsonComparison struct {
	Before      string           `json:"before"` // ids of the runs
	After       string           `json:"after"`
	Differences []jsonDifference `json:"differences"` // that were passed over, as asked
	Cells       []jsonChange     `json:"cells"`
	Timings     []jsonTiming     `json:"timings"`
}

type jsonDifference struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

type jsonChange struct {
	record.Cell
	Phase   record.Phase   `json:"phase"`
	Context record.Context `json:"context"`
	Before  *jsonMedian    `json:"before"` // null where it was not measured
	After   *jsonMedian    `json:"after"`
	Gained  []jsonSeen     `json:"gained"`
	Lost    []jsonSeen     `json:"lost"`
	GainedP float64        `json:"gained_p"` // corrected by Holm's method over the cells of the phase and context
	LostP   float64        `json:"lost_p"`
	Grew    bool           `json:"grew"` // more functions were gained than chance explains
	Shrank  bool           `json:"shrank"`
	Passing int            `json:"passing"` // functions of one record alone that may be chance
	Least   int            `json:"least"`   // repetitions that a new function must be in; 0 where they are too few
}

type jsonMedian struct {
	N      int     `json:"n"`
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Status string  `json:"status"`
}

type jsonSeen struct {
	Name   string `json:"name"`
	Module string `json:"module,omitempty"`
	Symbol string `json:"symbol"`
	Before int    `json:"before"` // repetitions that ran it
	After  int    `json:"after"`
}

type jsonTiming struct {
	record.Cell
	Place       record.Place `json:"place"`
	Metric      string       `json:"metric"`
	Before      float64      `json:"before"` // medians
	After       float64      `json:"after"`
	Ratio       float64      `json:"ratio"`
	Low         *float64     `json:"ratio_low"` // null where there are too few repetitions for an interval
	High        *float64     `json:"ratio_high"`
	P           float64      `json:"p"`
	Adjusted    float64      `json:"p_adjusted"`
	Significant bool         `json:"significant"`
}

func comparisonJSON(c *analysis.Comparison) jsonComparison {
	out := jsonComparison{Before: c.Before.Run.ID, After: c.After.Run.ID, Differences: []jsonDifference{}, Cells: []jsonChange{}, Timings: []jsonTiming{}}
	for _, d := range c.Differences {
		out.Differences = append(out.Differences, jsonDifference{string(d.Kind), d.Text})
	}
	for _, cell := range c.Cells {
		out.Cells = append(out.Cells, jsonChange{cell.Cell, cell.Phase, cell.Context, medianJSON(cell.Before), medianJSON(cell.After),
			seenJSON(cell.Gained), seenJSON(cell.Lost), cell.GainedAdjusted, cell.LostAdjusted, cell.Grew(), cell.Shrank(), cell.Passing, cell.Least})
	}
	for _, t := range c.Timings {
		j := jsonTiming{Cell: t.Cell, Place: t.Place, Metric: string(t.Metric), Before: t.Before.Median, After: t.After.Median,
			Ratio: t.Ratio, P: t.P, Adjusted: t.Adjusted, Significant: t.Significant()}
		if t.CI != nil {
			j.Low, j.High = &t.CI.Low, &t.CI.High
		}
		out.Timings = append(out.Timings, j)
	}
	return out
}

func medianJSON(s *analysis.Summary) *jsonMedian {
	if s == nil {
		return nil
	}
	return &jsonMedian{s.N, s.Median, s.Min, s.Max, string(s.Status)}
}

func seenJSON(all []analysis.Seen) []jsonSeen {
	out := make([]jsonSeen, len(all))
	for i, s := range all {
		out[i] = jsonSeen{s.Name, s.Module, s.Symbol, s.Before, s.After}
	}
	return out
}

// jsonCheck is what check --json prints.
type jsonCheck struct {
	Passed   bool          `json:"passed"`
	Against  string        `json:"against,omitempty"` // the baseline
	Headline string        `json:"headline"`
	Findings []jsonFinding `json:"findings"`
}

type jsonFinding struct {
	Rule      string         `json:"rule"`
	Where     string         `json:"where,omitempty"` // file:line:column
	Limit     string         `json:"limit"`
	Verdict   string         `json:"verdict"`
	Level     string         `json:"level"`
	Variant   string         `json:"variant,omitempty"`
	Workload  string         `json:"workload,omitempty"`
	Phase     record.Phase   `json:"phase,omitempty"`
	Context   record.Context `json:"context,omitempty"`
	Metric    string         `json:"metric,omitempty"`
	Value     *float64       `json:"value"` // null where there is none
	Most      float64        `json:"most"`
	Text      string         `json:"text"`
	Functions []jsonSeen     `json:"functions,omitempty"`
}

func checkJSON(c *analysis.Check) jsonCheck {
	out := jsonCheck{Passed: !c.Failed(), Against: c.Against, Headline: c.Headline(), Findings: []jsonFinding{}}
	for _, f := range c.Findings {
		j := jsonFinding{Rule: f.Name(), Limit: string(f.Limit), Verdict: string(f.Verdict), Level: f.Level(), Phase: f.Key.Phase, Context: f.Key.Context,
			Metric: string(f.Key.Metric), Value: f.Value, Most: f.Most, Text: f.Text, Functions: seenJSON(f.Functions)}
		if f.Rule != nil {
			j.Where = f.Where.String()
		}
		if f.Cell != nil {
			j.Variant, j.Workload = f.Cell.Variant, f.Cell.Workload
		}
		out.Findings = append(out.Findings, j)
	}
	return out
}
