package analysis

import (
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// wideInterval is how far an interval may reach from its median, as part of it, before
// more repetitions are asked for.
const wideInterval = 0.10

// timingWarnings collects what there is to say about timings, gravest first.
func timingWarnings(r *Report) (out []Warning) {
	add := func(k Kind, cells []record.Cell, format string, args ...any) {
		out = append(out, Warning{k, fmt.Sprintf(format, args...), cells})
	}
	for _, s := range []record.Status{record.Failed, record.Skipped, Missing, record.Degraded} {
		if cells, text := r.timedWhere(func(t *Timed) bool { return t.Counts[s] > 0 }); len(cells) > 0 {
			add(WarnUnfinished, cells, "timings that are %s, and have no number: %s", s, text)
		}
	}
	if places := r.Places(); len(places) > 1 {
		add(WarnPlaces, nil, "timings were taken at %d places (%s): they are in tables and figures of their own, and no ratio mixes them, since times of two machines say nothing about each other", len(places), names(places))
	}
	if slices.Contains(r.Places(), record.Emulated) {
		add(WarnEmulated, nil, "timings marked emulated were taken on a CPU emulated in software: they say nothing about hardware, and compare with each other at most")
	}
	if cells, text := r.timedWhere(func(t *Timed) bool { return t.Retried > 0 }); len(cells) > 0 {
		add(WarnRetried, cells, "timed repetitions failed and were tried again, as the scenario allows: %s", text)
	}
	for _, n := range r.Noises {
		if n.Noisy() {
			add(WarnNoise, nil, "the machine was noisy (%s): a loop whose work never changes took from %.1f %% less to %.1f %% more than its median in nine of ten repetitions, so that small differences say little", n.Place, 100*(1-n.Low/n.Median), 100*(n.High/n.Median-1))
		}
	}
	return append(out, seriesWarnings(r)...)
}

// seriesWarnings are those about the numbers of single cells.
func seriesWarnings(r *Report) (out []Warning) {
	if cells, text := r.timedWhere(r.unrelated); len(cells) > 0 {
		out = append(out, Warning{WarnReference, "no ratio, because " + r.Reference() + " has no number there: " + text, cells})
	}
	for _, w := range []struct {
		kind Kind
		text string
		is   func(*Series) string
	}{
		{WarnSamples, fmt.Sprintf("need more samples: fewer than %d timed repetitions, so that there is no %.0f %% interval: ", minSeries, 100*confidence), tooFew},
		{WarnSamples, fmt.Sprintf("need more samples: the %.0f %% interval reaches more than %.0f %% from its median: ", 100*confidence, 100*wideInterval), tooWide},
		{WarnDrift, "drifting: the values rise or fall with the order of the repetitions (Kendall's τ, corrected p < .05), so that the machine or the sandbox was changing: ", drifting},
		{WarnBimodal, "bimodal: the values fall into two groups, so that the median lies in one of them by chance: ", bimodal},
	} {
		if cells, text := r.seriesWhere(w.is); len(cells) > 0 {
			out = append(out, Warning{w.kind, w.text + text, cells})
		}
	}
	return out
}

// The conditions return what to say of a series to which they apply: a blank where
// there is nothing but that.

func tooFew(s *Series) string {
	if s.CI == nil {
		return " "
	}
	return ""
}

// tooWide is asked of the numbers that people quote first: tails are always wide.
func tooWide(s *Series) string {
	if s.Metric != ReqPerSec && s.Metric != P50 && s.Metric != StartUp && s.Metric != RSS {
		return ""
	}
	if s.CI != nil && s.Spread() > wideInterval {
		return fmt.Sprintf(" (±%.0f %%)", 100*s.Spread())
	}
	return ""
}

func drifting(s *Series) string {
	if s.Trend.Drifts() {
		return fmt.Sprintf(" (τ = %+.2f)", s.Trend.Tau)
	}
	return ""
}

func bimodal(s *Series) string {
	if s.Modes == nil {
		return ""
	}
	return fmt.Sprintf(" (%d × %s, %d × %s)", s.Modes.NLow, s.Metric.Say(s.Modes.Low), s.Modes.NHigh, s.Metric.Say(s.Modes.High))
}

// unrelated reports whether a cell has numbers and nothing to compare them with.
func (r *Report) unrelated(t *Timed) bool {
	s := t.Series(ReqPerSec)
	return s != nil && t.Variant != r.Reference() && s.ToReference == nil
}

// timedWhere lists the timed cells to which something applies, and says so.
func (r *Report) timedWhere(is func(*Timed) bool) (cells []record.Cell, text string) {
	var parts []string
	for _, t := range r.Timed {
		if is(t) {
			cells, parts = append(cells, t.Cell), append(parts, r.nameTimed(t))
		}
	}
	return cells, strings.Join(parts, ", ")
}

// manyCells is from how many cells on a warning counts them by metric instead of naming
// them: the tables have the rest.
const manyCells = 7

// seriesWhere lists the cells to one of whose series something applies, each with the
// metrics concerned.
func (r *Report) seriesWhere(is func(*Series) string) (cells []record.Cell, text string) {
	var parts []string
	counts := map[Metric]int{}
	for _, t := range r.Timed {
		var metrics []string
		for _, m := range TimingMetrics() {
			if s := t.Series(m); s != nil {
				if what := is(s); what != "" {
					metrics = append(metrics, strings.TrimRight(string(m)+what, " "))
					counts[m]++
				}
			}
		}
		switch {
		case len(metrics) == 0:
			continue
		case len(metrics) == len(t.series) && len(metrics) > 1 && metrics[0] == string(ReqPerSec):
			metrics = []string{"everything"}
		}
		cells, parts = append(cells, t.Cell), append(parts, r.nameTimed(t)+": "+strings.Join(metrics, ", "))
	}
	if len(cells) >= manyCells {
		return cells, countByMetric(counts)
	}
	return cells, strings.Join(parts, "; ")
}

func countByMetric(counts map[Metric]int) string {
	var parts []string
	for _, m := range TimingMetrics() {
		if counts[m] > 0 {
			parts = append(parts, fmt.Sprintf("%s of %s", m, count(counts[m], "cell")))
		}
	}
	return strings.Join(parts, ", ")
}

// nameTimed names a timed cell, and its place where there are several.
func (r *Report) nameTimed(t *Timed) string {
	if len(r.Places()) < 2 || t.Place == "" {
		return t.Cell.String()
	}
	return fmt.Sprintf("%s (%s)", t.Cell, t.Place)
}

func names(places []record.Place) string {
	out := make([]string, len(places))
	for i, p := range places {
		out[i] = string(p)
	}
	return strings.Join(out, ", ")
}
