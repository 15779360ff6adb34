package plot_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports/plot"
)

// TestTimings looks for what a reader must find in each figure.
func TestTimings(t *testing.T) {
	r := analysis.New(testrecord.WithTimings())
	for figure, want := range map[plot.Timing][]string{
		plot.Throughput: {"relative to runc (native)", ">0.45<", ">1.00<", ">skipped<", ">failed<", "0.45‡", "published in 2018", "Drifting: crun × redis-get"},
		plot.Latency:    {"Latency at a fixed rate (native)", ">p99.9<", ">10 ms<", ">node-express<"},
		plot.StartUp:    {"Start-up", "seconds (median)"},
		plot.Memory:     {"peak since create", "MiB (median)"},
		plot.TradeOff:   {"profile (emulated) against throughput (native)", "another machine than", "on the Pareto front", ">gvisor-systrap<"},
	} {
		drawing := svg(t, r, plot.Options{Timing: figure})
		if drawing != svg(t, r, plot.Options{Timing: figure}) {
			t.Errorf("%s: two drawings of one record differ", figure)
		}
		for _, w := range want {
			if !strings.Contains(drawing, w) {
				t.Errorf("%s: %q is not in the figure", figure, w)
			}
		}
		if strings.Contains(drawing, "NaN") || strings.Contains(drawing, "Inf") {
			t.Errorf("%s holds what is no number", figure)
		}
	}
}

// TestPlacesStayApart draws a record of two places: each figure has one of them.
func TestPlacesStayApart(t *testing.T) {
	r := analysis.New(testrecord.WithPlaces())
	for _, figure := range plot.Timings() {
		native := svg(t, r, plot.Options{Timing: figure})
		if native != svg(t, r, plot.Options{Timing: figure, Place: record.Native}) {
			t.Errorf("%s: the native timings are not the first choice", figure)
		}
		emulated := svg(t, r, plot.Options{Timing: figure, Place: record.Emulated})
		if strings.Contains(native, ">gvisor-systrap<") || strings.Contains(emulated, ">runc<") || !strings.Contains(native, "figures of its own") {
			t.Errorf("%s mixes places, or does not say that it does not", figure)
		}
	}
	if drawing := svg(t, r, plot.Options{Timing: plot.Throughput, Place: record.Emulated}); strings.Count(drawing, ">no runc<") != 4 {
		t.Error("a bar relative to no runc")
	}
}

func TestNoTimings(t *testing.T) {
	for _, figure := range plot.Timings() {
		if err := plot.SVG(io.Discard, analysis.New(testrecord.New()), plot.Options{Timing: figure}); !errors.Is(err, plot.ErrNothing) {
			t.Errorf("%s: %v", figure, err)
		}
	}
	rec := testrecord.WithTimings()
	for i := range rec.Timings {
		rec.Timings[i].Status, rec.Timings[i].Reason = record.Failed, "nothing answered"
	}
	if got := strings.Count(svg(t, analysis.New(rec), plot.Options{Timing: plot.Throughput}), ">failed<"); got != 20 {
		t.Errorf("%d gaps, want 20", got)
	}
}
