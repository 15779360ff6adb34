package analysis

import (
	"slices"

	"gonum.org/v1/gonum/stat"

	"hapscope/record"
)

// noisy is the spread of the calibration, as part of its median, from which on a
// machine is called noisy.
const noisy = 0.05

// Noise is how much the same work took at a place, over all of its repetitions.
type Noise struct {
	Place     record.Place
	N         int     // calibrations
	Median    float64 // seconds
	Low, High float64 // seconds: the 5th and the 95th percentile
}

// Spread is the range between the percentiles as part of the median.
func (n Noise) Spread() float64 { return (n.High - n.Low) / n.Median }

// Noisy reports whether the machine was too uneven for small differences.
func (n Noise) Noisy() bool { return n.Spread() > noisy }

// noises takes the median of each calibration: what happened between repetitions is
// what moves their numbers.
func noises(rec *record.Record) (out []Noise) {
	for _, p := range record.Places() {
		var medians []float64
		for _, t := range rec.Timings {
			if t.Place == p && t.Calibration != nil && len(t.Calibration.Seconds) > 0 {
				medians = append(medians, middle(slices.Sorted(slices.Values(t.Calibration.Seconds))))
			}
		}
		if len(medians) < 2 {
			continue
		}
		slices.Sort(medians)
		n := Noise{Place: p, N: len(medians), Median: middle(medians),
			Low: stat.Quantile(.05, stat.Empirical, medians, nil), High: stat.Quantile(.95, stat.Empirical, medians, nil)}
		if n.Median > 0 {
			out = append(out, n)
		}
	}
	return out
}
