package analysis

import (
	"cmp"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat"

	"hapscope/record"
)

// resamples is how often the bootstrap draws: 1000 are enough for the ends of a 95 %
// interval (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
const resamples = 2000

// Relative compares a series with that of the reference under the same workload
// at the same place.
type Relative struct {
	To       *Series
	Ratio    float64   // of the medians
	CI       *Interval // percentile bootstrap; nil where either has too few repetitions
	P        float64   // Mann-Whitney U, that both come from one distribution
	Adjusted float64   // P after Holm's correction across the cells of the metric and place
	Need     []string  // what the test asks for, in the words of benchmath
}

// Differs reports whether the two differ significantly.
func (r *Relative) Differs() bool { return r.Adjusted < alpha }

// relate compares every series with that of the reference.
func relate(all []*Timed, reference string, seed uint64) {
	for _, t := range all {
		to := findTimed(all, t.Place, record.Cell{Variant: reference, Workload: t.Workload})
		if to == nil || to == t {
			continue
		}
		for m, s := range t.series {
			if base := to.Series(m); base != nil && base.Median > 0 {
				s.ToReference = newRelative(s, base, source(seed, t, m))
			}
		}
	}
}

func newRelative(of, to *Series, random *rand.Rand) *Relative {
	test := benchmath.AssumeNothing.Compare(of.sample(), to.sample())
	r := &Relative{To: to, Ratio: of.Median / to.Median, P: test.P, Adjusted: test.P}
	for _, w := range test.Warnings {
		r.Need = append(r.Need, w.Error())
	}
	if min(len(of.Values), len(to.Values)) >= minSeries {
		r.CI = bootstrap(of.Values, to.Values, random)
	}
	return r
}

// source makes the random numbers of one comparison: the same for the same plan,
// whatever else is in the record.
func source(seed uint64, t *Timed, m Metric) *rand.Rand {
	h := fnv.New64a()
	for _, s := range []string{string(t.Place), t.Variant, t.Workload, string(m)} {
		io.WriteString(h, s+"\n") // never fails
	}
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// bootstrap resamples both series by themselves, and takes the interval of the ratios
// of their medians. Neither gonum nor benchmath has a bootstrap.
func bootstrap(of, to []float64, random *rand.Rand) *Interval {
	a, b := make([]float64, len(of)), make([]float64, len(to))
	var ratios []float64
	for range resamples {
		if base := drawMedian(to, b, random); base > 0 {
			ratios = append(ratios, drawMedian(of, a, random)/base)
		}
	}
	slices.Sort(ratios)
	return &Interval{stat.Quantile(alpha/2, stat.Empirical, ratios, nil), stat.Quantile(1-alpha/2, stat.Empirical, ratios, nil), confidence}
}

// drawMedian draws as many values as there are, with replacement, and returns their
// median.
func drawMedian(values, into []float64, random *rand.Rand) float64 {
	for i := range into {
		into[i] = values[random.IntN(len(values))]
	}
	slices.Sort(into)
	return middle(into)
}

// correct corrects the p-values of the tests and of the trends: each metric at each
// place is a family, its cells are the hypotheses.
func correct(all []*Timed) {
	for _, p := range record.Places() {
		for _, m := range TimingMetrics() {
			var tests, trends []*float64
			for _, t := range all {
				s := t.Series(m)
				if t.Place != p || s == nil {
					continue
				}
				trends = append(trends, &s.Trend.Adjusted)
				if s.ToReference != nil {
					tests = append(tests, &s.ToReference.Adjusted)
				}
			}
			holm(tests)
			holm(trends)
		}
	}
}

// holm replaces p-values by those that hold for all of them at once (S. Holm, A Simple
// Sequentially Rejective Multiple Test Procedure, 1979). gonum and benchmath correct
// nothing.
func holm(ps []*float64) {
	slices.SortStableFunc(ps, func(a, b *float64) int { return cmp.Compare(*a, *b) })
	least := 0.0
	for i, p := range ps {
		least = max(least, min(1, *p*float64(len(ps)-i)))
		*p = least
	}
}
