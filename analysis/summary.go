package analysis

import (
	"slices"

	"gonum.org/v1/gonum/stat"

	"hapscope/record"
)

// Key names a summary within a cell.
type Key struct {
	Phase   record.Phase
	Context record.Context
	Metric  Metric
}

// HAP is the key of the horizontal attack profile.
func HAP() Key { return Key{record.Steady, record.InProcess, UniqueFunctions} }

// Summary is one metric of one cell over its repetitions.
type Summary struct {
	Key
	Status       record.Status // worst of the repetitions that went in: ok or degraded
	N            int           // repetitions that went in, at least 1
	Median       float64
	Min, Max     float64
	Mean, SD     float64 // SD is 0 for a single repetition
	Values       []float64
	Union        Set // functions of any repetition; nil for other metrics
	Intersection Set // functions of every repetition; nil for other metrics
}

// summarize returns the summary of samples of one phase, or nil where none of
// them has the metric.
func summarize(key Key, samples []*draft) *Summary {
	s := &Summary{Key: key, Status: record.OK}
	for _, sample := range samples {
		v, ok := sample.value(key.Metric, key.Context)
		if !ok {
			continue
		}
		s.Values = append(s.Values, v)
		s.Status = worse(s.Status, sample.Status)
		if key.Metric != UniqueFunctions {
			continue
		}
		set := sample.functions[key.Context]
		if len(s.Values) == 1 {
			s.Union, s.Intersection = set, set
			continue
		}
		s.Union, s.Intersection = s.Union.Union(set), s.Intersection.Intersect(set)
	}
	if s.N = len(s.Values); s.N == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(s.Values))
	s.Min, s.Max = sorted[0], sorted[s.N-1]
	s.Median = (sorted[(s.N-1)/2] + sorted[s.N/2]) / 2
	s.Mean = stat.Mean(sorted, nil)
	if s.N > 1 {
		s.SD = stat.StdDev(sorted, nil)
	}
	return s
}
