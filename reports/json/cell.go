package json

import (
	"hapscope/analysis"
	"hapscope/record"
)

// outcome is what became of planned repetitions.
type outcome struct {
	Status      record.Status         `json:"status"`
	Planned     int                   `json:"planned"`
	Repetitions map[record.Status]int `json:"repetitions"`
	Spared      int                   `json:"spared,omitempty"`
}

type cell struct {
	record.Cell
	outcome
	Kernels     []string     `json:"kernels,omitempty"`
	Health      []health     `json:"health,omitempty"`
	Convergence *convergence `json:"convergence,omitempty"`
	Numbers     []summary    `json:"numbers"`
}

type health struct {
	Phase   record.Phase `json:"phase"`
	N       int          `json:"n"`
	Events  uint64       `json:"events"`
	Lost    uint64       `json:"lost"`
	Unknown uint64       `json:"unknown"`
}

type convergence struct {
	New    []int   `json:"new"`
	Seen   []int   `json:"seen"`
	Total  float64 `json:"total"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Unseen float64 `json:"unseen"`
}

type summary struct {
	Phase   record.Phase    `json:"phase"`
	Context record.Context  `json:"context"`
	Metric  analysis.Metric `json:"metric"`
	Unit    string          `json:"unit"`
	Status  record.Status   `json:"status"`
	N       int             `json:"n"`
	Median  float64         `json:"median"`
	Min     float64         `json:"min"`
	Max     float64         `json:"max"`
	Mean    float64         `json:"mean"`
	SD      float64         `json:"sd"`
	Any     *int            `json:"in_any,omitempty"`
	Every   *int            `json:"in_every,omitempty"`
}

func cells(r *analysis.Report) []cell {
	out := []cell{}
	for _, c := range r.Cells {
		n := cell{Cell: c.Cell, outcome: outcome{c.Status, c.Planned, c.Counts, c.Spared}, Kernels: c.Kernels, Numbers: []summary{}}
		for _, h := range c.Health {
			n.Health = append(n.Health, health{h.Phase, h.N, h.Events, h.Lost, h.Unknown})
		}
		if v := c.Convergence; len(v.New) > 0 {
			n.Convergence = &convergence{v.New, v.Seen, v.Richness.Total, v.Richness.Low, v.Richness.High, v.Richness.Unseen()}
		}
		for _, phase := range analysis.Phases() {
			for _, m := range analysis.Metrics() {
				for _, context := range analysis.Contexts() {
					if s := c.Summary(phase, context, m); s != nil {
						n.Numbers = append(n.Numbers, newSummary(s))
					}
				}
			}
		}
		out = append(out, n)
	}
	return out
}

func newSummary(s *analysis.Summary) summary {
	out := summary{Phase: s.Phase, Context: s.Context, Metric: s.Metric, Unit: s.Metric.Unit(), Status: s.Status, N: s.N,
		Median: s.Median, Min: s.Min, Max: s.Max, Mean: s.Mean, SD: s.SD}
	if s.Metric == analysis.UniqueFunctions {
		any, every := len(s.Union), len(s.Intersection)
		out.Any, out.Every = &any, &every
	}
	return out
}
