package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hapscope/analysis"
	"hapscope/record"
)

// newTiming lays a figure of timings out. All of its numbers are of one place.
func newTiming(r *analysis.Report, o Options) (*figure, error) {
	places := r.Places()
	if o.Place == "" && len(places) > 0 {
		o.Place = places[0]
	}
	if !slices.Contains(places, o.Place) {
		return nil, fmt.Errorf("%w: the record has no timings %s", ErrNothing, o.Place)
	}
	switch o.Timing {
	case Throughput, StartUp, Memory:
		return newTimingBars(r, o), nil
	case Latency:
		return newLatency(r, o.Place)
	case TradeOff:
		return newTradeOff(r, o.Place)
	}
	return nil, fmt.Errorf("figure %q is none of %v", o.Timing, Timings())
}

// timedVariants lists those that the plan has at a place, by their numbers in the plan,
// which are those of their colours.
func timedVariants(r *analysis.Report, p record.Place) (out []int) {
	for i, v := range r.Run.Plan.Variants {
		if slices.ContainsFunc(r.Timed, func(t *analysis.Timed) bool { return t.Place == p && t.Variant == v }) {
			out = append(out, i)
		}
	}
	return out
}

// variantItems explains the colours of some variants.
func variantItems(r *analysis.Report, numbers []int) (items []item) {
	for _, i := range numbers {
		items = append(items, item{r.Run.Plan.Variants[i], func(c draw.Canvas, box vg.Rectangle) { fill(c, box, hue(i)) }})
	}
	return items
}

// timingCaption says where and how, and which series are not to be trusted.
func timingCaption(r *analysis.Report, p record.Place, m analysis.Metric, what string) string {
	parts := []string{"Timed without any collector, " + analysis.PlaceName(p) + "."}
	if m := r.MachineAt(p); m != nil {
		parts = append(parts, fmt.Sprintf("Linux %s, %d × %s.", m.Release, m.CPUs, m.CPU))
	}
	if len(r.Places()) > 1 {
		parts = append(parts, "What was timed at other places is in figures of its own: times of two machines say nothing about each other.")
	}
	parts = append(parts, what)
	for _, w := range []struct {
		word string
		is   func(*analysis.Series) bool
	}{
		{"Too few repetitions for an interval", func(s *analysis.Series) bool { return s.CI == nil }},
		{"Drifting", func(s *analysis.Series) bool { return s.Trend.Drifts() }},
		{"Bimodal", func(s *analysis.Series) bool { return s.Modes != nil }},
	} {
		var cells []string
		for _, t := range r.Timed {
			if s := t.Series(m); t.Place == p && s != nil && w.is(s) {
				cells = append(cells, t.Cell.String())
			}
		}
		if len(cells) > 0 {
			parts = append(parts, w.word+": "+strings.Join(cells, ", ")+".")
		}
	}
	return strings.Join(parts, " ")
}

// repetitions says how many values a figure's cells have.
func repetitions(r *analysis.Report, p record.Place, m analysis.Metric) string {
	low, high := math.MaxInt, 0
	for _, t := range r.Timed {
		if s := t.Series(m); t.Place == p && s != nil {
			low, high = min(low, len(s.Values)), max(high, len(s.Values))
		}
	}
	switch {
	case high == 0:
		return "n = 0"
	case low == high:
		return fmt.Sprintf("n = %d", low)
	}
	return fmt.Sprintf("n = %d to %d", low, high)
}

// intervalItem explains the whiskers.
func intervalItem(label string) item {
	return item{label, func(c draw.Canvas, r vg.Rectangle) { whisker(c, (r.Min.X+r.Max.X)/2, r.Min.Y, r.Max.Y) }}
}

// layPanels puts panels side by side, two in a row.
func (f *figure) layPanels(panels []*plot.Plot) {
	f.panels, f.columns, f.width = panels, min(2, len(panels)), 540
	if f.columns == 2 {
		f.width = 760
	}
}

// newPanel is a plot with a title of its own.
func newPanel(data plot.Plotter, title, x, y string) *plot.Plot {
	p := newPlot(data, y)
	p.Title.Text = title
	p.Title.TextStyle = alignedLike(p.Title.TextStyle, words(11, ink))
	p.Title.Padding = 4
	p.X.Label.Text = x
	p.X.Label.TextStyle = alignedLike(p.X.Label.TextStyle, words(9.5, ink))
	p.X.Tick.Label = alignedLike(p.X.Tick.Label, words(9, ink))
	p.X.Label.Padding = 4
	p.X.LineStyle.Width, p.X.Tick.LineStyle.Width = 0, 0
	return p
}
