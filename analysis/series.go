package analysis

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// confidence is that of all intervals.
	confidence = 0.95
	// alpha is the level below which a corrected p-value is called significant.
	alpha = 1 - confidence
	// minSeries is the fewest repetitions that have an exact 95 % interval of their
	// median: the chance that all of five lie on the same side of it is 2/32.
	minSeries = 6
)

// Interval is a confidence interval.
type Interval struct {
	Low, High  float64
	Confidence float64 // at least what was asked for
}

// Series is one metric of one timed cell at one place, over its repetitions.
type Series struct {
	Metric Metric
	Values []float64 // in the order in which they were measured, at least 1
	Median float64
	CI     *Interval // of the median, exact; nil where there are too few repetitions
	Need   []string  // what the statistics ask for, in the words of benchmath
	Trend  Trend
	Modes  *Modes // nil where there is one
	// ToReference is nil where the reference has no number, and of the reference itself.
	ToReference *Relative
}

// newSeries makes no assumption about how the values are distributed.
func newSeries(m Metric, values []float64) *Series {
	s := &Series{Metric: m, Values: values}
	summary := benchmath.AssumeNothing.Summary(s.sample(), confidence)
	s.Median = summary.Center
	if !math.IsInf(summary.Lo, 0) && !math.IsInf(summary.Hi, 0) {
		s.CI = &Interval{summary.Lo, summary.Hi, summary.Confidence}
	}
	for _, w := range summary.Warnings {
		s.Need = append(s.Need, w.Error())
	}
	s.Trend = trend(values)
	s.Modes = modes(values)
	return s
}

// sample is a copy for benchmath, which sorts.
func (s *Series) sample() *benchmath.Sample {
	thresholds := benchmath.DefaultThresholds
	return benchmath.NewSample(slices.Clone(s.Values), &thresholds)
}

// Spread says how far the interval reaches from the median at most, as part of it;
// infinitely where there is no interval.
func (s *Series) Spread() float64 {
	if s.CI == nil || s.Median == 0 {
		return math.Inf(1)
	}
	return max(s.CI.High/s.Median-1, 1-s.CI.Low/s.Median)
}

// Trend is whether values rise or fall in the order in which they were measured.
type Trend struct {
	Tau      float64 // Kendall's τ-a of the values with their order
	P        float64 // that τ is so far from 0 by chance, by its normal approximation
	Adjusted float64 // P after Holm's correction across the cells of the metric and place
}

// Drifts reports whether the trend is significant.
func (t Trend) Drifts() bool { return t.Adjusted < alpha }

// trend is not asked of series that could not show one.
func trend(values []float64) Trend {
	n := float64(len(values))
	if n < minSeries {
		return Trend{P: 1, Adjusted: 1}
	}
	order, reversed := make([]float64, len(values)), make([]float64, len(values))
	for i, v := range values {
		order[i], reversed[i] = float64(i), -v
	}
	// gonum takes ties for concordant in both directions: half of the difference is
	// what is left without them.
	t := Trend{Tau: (stat.Kendall(order, values, nil) - stat.Kendall(order, reversed, nil)) / 2}
	z := 3 * t.Tau * math.Sqrt(n*(n-1)) / math.Sqrt(2*(2*n+5)) // M. G. Kendall, Rank Correlation Methods, 1948
	t.P = 2 * distuv.UnitNormal.Survival(math.Abs(z))
	t.Adjusted = t.P
	return t
}

// Modes are two groups of values with nothing between them.
type Modes struct {
	Low, High   float64 // medians of the groups
	NLow, NHigh int     // values in them
}

const (
	// sarle is the bimodality coefficient of a uniform distribution: more is taken
	// for two modes (SAS/STAT, procedure CLUSTER).
	sarle = 5.0 / 9
	// modeShare is the least part of the values that is a mode, and not an outlier.
	modeShare = 0.2
	// modeGap is the least distance of two modes that matters, as part of the median.
	modeGap = 0.02
)

// modes returns two groups if Sarle's coefficient is above that of a uniform
// distribution and the widest gap between neighbours is wider than either side of it,
// with a fifth of the values or more on each side. The coefficient alone takes a skewed
// series for bimodal, the gap alone any short one.
func modes(values []float64) *Modes {
	n := len(values)
	if n < minSeries {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	cut := 1
	for i := 1; i < n; i++ {
		if sorted[i]-sorted[i-1] > sorted[cut]-sorted[cut-1] {
			cut = i
		}
	}
	gap, low, high := sorted[cut]-sorted[cut-1], sorted[:cut], sorted[cut:]
	switch {
	case float64(min(len(low), len(high))) < modeShare*float64(n):
		return nil
	case gap <= max(low[len(low)-1]-low[0], high[len(high)-1]-high[0]), gap < modeGap*middle(sorted):
		return nil
	case bimodality(sorted) <= sarle:
		return nil
	}
	return &Modes{middle(low), middle(high), len(low), len(high)}
}

// bimodality is Sarle's coefficient for a sample.
func bimodality(values []float64) float64 {
	n, skew := float64(len(values)), stat.Skew(values, nil)
	return (skew*skew + 1) / (stat.ExKurtosis(values, nil) + 3*(n-1)*(n-1)/((n-2)*(n-3)))
}

// middle is the median of sorted values.
func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
