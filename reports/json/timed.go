package json

import (
	"hapscope/analysis"
	"hapscope/record"
)

type timed struct {
	record.Cell
	Place record.Place `json:"place,omitempty"`
	outcome
	Numbers []series `json:"numbers"`
}

type series struct {
	Metric   analysis.Metric `json:"metric"`
	Unit     string          `json:"unit"`
	Better   string          `json:"better"`
	Values   []float64       `json:"values"`
	Median   float64         `json:"median"`
	Interval *interval       `json:"interval,omitempty"`
	Drifting bool            `json:"drifting,omitempty"`
	Bimodal  bool            `json:"bimodal,omitempty"`
	// ToReference is beside the variant that the document names as such.
	ToReference *relative `json:"to_reference,omitempty"`
}

type interval struct {
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"`
}

type relative struct {
	Ratio    float64   `json:"ratio"`
	Interval *interval `json:"interval,omitempty"`
	P        float64   `json:"p"`
	Adjusted float64   `json:"p_adjusted"`
	Differs  bool      `json:"differs"`
}

func allTimed(r *analysis.Report) []timed {
	out := []timed{}
	for _, c := range r.Timed {
		n := timed{Cell: c.Cell, Place: c.Place, outcome: outcome{Status: c.Status, Planned: c.Planned, Repetitions: c.Counts}, Numbers: []series{}}
		for _, m := range analysis.TimingMetrics() {
			if s := c.Series(m); s != nil {
				n.Numbers = append(n.Numbers, newSeries(s))
			}
		}
		out = append(out, n)
	}
	return out
}

func newSeries(s *analysis.Series) series {
	out := series{Metric: s.Metric, Unit: s.Metric.Unit(), Better: s.Metric.Better(), Values: s.Values, Median: s.Median,
		Interval: newInterval(s.CI), Drifting: s.Trend.Drifts(), Bimodal: s.Modes != nil}
	if c := s.ToReference; c != nil {
		out.ToReference = &relative{c.Ratio, newInterval(c.CI), c.P, c.Adjusted, c.Differs()}
	}
	return out
}

func newInterval(i *analysis.Interval) *interval {
	if i == nil {
		return nil
	}
	return &interval{i.Low, i.High, i.Confidence}
}
