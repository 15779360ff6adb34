package plot

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hapscope/analysis"
	"hapscope/record"
)

// curve is the latency of one variant under one workload.
type curve struct {
	number   int // of the variant
	at       []*float64
	interval map[float64]*analysis.Interval // of the median, by quantile
}

// latencies draws all variants of one workload over percentiles. Its axis of times holds
// logarithms: beside a plot.LogScale, gonum leaves room for the label where it is not.
type latencies struct {
	quantiles []float64
	curves    []curve
}

// nines places a quantile on the axis: each further nine takes as much room.
func nines(q float64) float64 { return -math.Log10(1 - q) }

// drawnQuantiles are those between p10 and p99.9, evenly on the axis.
func drawnQuantiles() (out []float64) {
	const steps = 59
	for i := range steps + 1 {
		x := nines(.1) + (nines(.999)-nines(.1))*float64(i)/steps
		out = append(out, 1-math.Pow(10, -x))
	}
	return out
}

func newLatency(r *analysis.Report, p record.Place) (*figure, error) {
	variants := slices.DeleteFunc(timedVariants(r, p), func(i int) bool {
		return !slices.ContainsFunc(r.Timed, func(t *analysis.Timed) bool {
			return t.Place == p && t.Variant == r.Run.Plan.Variants[i] && t.Series(analysis.P50) != nil
		})
	})
	var panels []*plot.Plot
	low, high, last := math.Inf(1), 0.0, 0.0
	var all []latencies
	var names []string
	for _, w := range r.Run.Plan.Workloads {
		data := makeLatencies(r, p, w, variants)
		if len(data.curves) == 0 {
			continue
		}
		_, xmax, ymin, ymax := data.DataRange()
		last = math.Max(last, xmax)
		low, high = math.Min(low, ymin), math.Max(high, ymax)
		all, names = append(all, data), append(names, w)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no latencies (%s)", ErrNothing, p)
	}
	for i, data := range all {
		panel := newPanel(data, names[i], "percentile of replies", "time to the reply (median)")
		panel.X.Min, panel.X.Max = nines(.1), last+.08                         // likewise
		panel.Y.Min, panel.Y.Max = math.Log10(low/1.15), math.Log10(high*1.15) // of all workloads
		panel.Y.Tick.Marker = logTicks{}
		panel.X.Tick.Marker = percentileTicks(last)
		panels = append(panels, panel)
	}
	f := &figure{title: fmt.Sprintf("Latency at a fixed rate (%s)", p)}
	f.layPanels(panels)
	plan := r.Run.Plan.Timing
	what := fmt.Sprintf("Requests were sent at %g a second, whether or not earlier ones were answered, and each is timed from when it was due. Lines: median over the repetitions at each percentile, %s. Whiskers: exact 95 %% intervals at p50, p95, p99 and p99.9, as far as there are replies enough. Lower is better; both axes are logarithmic.", plan.Rate, repetitions(r, p, analysis.P50))
	f.explain(append(curveItems(r, variants), intervalItem("95 % interval of the median")), len(variants), timingCaption(r, p, analysis.P50, what))
	return f, nil
}

func makeLatencies(r *analysis.Report, p record.Place, workload string, variants []int) latencies {
	out := latencies{quantiles: drawnQuantiles()}
	for _, i := range variants {
		t := r.TimedCell(p, r.Run.Plan.Variants[i], workload)
		if t == nil || t.Series(analysis.P50) == nil {
			continue
		}
		c := curve{number: i, at: t.Curve(out.quantiles), interval: map[float64]*analysis.Interval{}}
		for q, m := range map[float64]analysis.Metric{.5: analysis.P50, .95: analysis.P95, .99: analysis.P99, .999: analysis.P999} {
			if s := t.Series(m); s != nil && s.CI != nil {
				c.interval[q] = s.CI
			}
		}
		out.curves = append(out.curves, c)
	}
	return out
}

// curveStyle tells lines apart by their dashes too, so that one that lies on another
// lets it show.
func curveStyle(i int) draw.LineStyle {
	dashes := [][]vg.Length{nil, {6, 2.5}, {2, 1.5}, {9, 2, 2, 2}, {4, 4}}
	return draw.LineStyle{Color: hue(i), Width: 1.75, Dashes: dashes[i%len(dashes)]}
}

// curveItems explains the lines.
func curveItems(r *analysis.Report, numbers []int) (items []item) {
	for _, i := range numbers {
		items = append(items, item{r.Run.Plan.Variants[i], func(c draw.Canvas, box vg.Rectangle) {
			y := (box.Min.Y + box.Max.Y) / 2
			line(c, vg.Point{X: box.Min.X - 1.5, Y: y}, vg.Point{X: box.Max.X + 1, Y: y}, curveStyle(i)) // clear of the label
		}})
	}
	return items
}

// DataRange implements plot.DataRanger; in seconds.
func (l latencies) DataRange() (xmin, xmax, ymin, ymax float64) {
	ymin = math.Inf(1)
	take := func(v float64) { ymin, ymax = math.Min(ymin, v), math.Max(ymax, v) }
	for _, c := range l.curves {
		for i, v := range c.at {
			if v != nil {
				take(*v)
				xmax = math.Max(xmax, nines(l.quantiles[i]))
			}
		}
		for _, i := range c.interval {
			take(i.Low)
			take(i.High)
		}
	}
	return nines(.1), xmax, ymin, ymax
}

// Plot implements plot.Plotter.
func (l latencies) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, curve := range l.curves {
		var path vg.Path
		for i, v := range curve.at {
			switch {
			case v == nil:
			case len(path) == 0:
				path.Move(vg.Point{X: x(nines(l.quantiles[i])), Y: y(math.Log10(*v))})
			default:
				path.Line(vg.Point{X: x(nines(l.quantiles[i])), Y: y(math.Log10(*v))})
			}
		}
		c.SetLineStyle(curveStyle(curve.number))
		c.Stroke(path)
	}
	for k, curve := range l.curves { // beside each other, so that none covers another
		aside := 4 * (vg.Length(k) - vg.Length(len(l.curves)-1)/2)
		for _, q := range []float64{.5, .95, .99, .999} {
			if i := curve.interval[q]; i != nil {
				thin(c, x(nines(q))+aside, y(math.Log10(i.Low)), y(math.Log10(i.High)), curve.number)
			}
		}
	}
}

// thin draws a whisker in the colour of its series.
func thin(c draw.Canvas, x, low, high vg.Length, number int) {
	var p vg.Path
	p.Move(vg.Point{X: x, Y: low})
	p.Line(vg.Point{X: x, Y: high})
	for _, y := range []vg.Length{low, high} {
		p.Move(vg.Point{X: x - 2, Y: y})
		p.Line(vg.Point{X: x + 2, Y: y})
	}
	rimmed(c, p, 1, hue(number))
}

// percentileTicks names the percentiles up to the last that there is.
func percentileTicks(last float64) (out plot.ConstantTicks) {
	for _, t := range []struct {
		q     float64
		label string
	}{{.5, "p50"}, {.9, "p90"}, {.95, "p95"}, {.99, "p99"}, {.999, "p99.9"}} {
		if nines(t.q) < last+.08 {
			out = append(out, plot.Tick{Value: nines(t.q), Label: t.label})
		}
	}
	return out
}

// logTicks puts 1, 2 and 5 of each decade on an axis of logarithms of seconds.
type logTicks struct{}

// Ticks implements plot.Ticker.
func (logTicks) Ticks(low, high float64) (out []plot.Tick) {
	steps := []float64{1, 2, 5}
	if high-low > 3 {
		steps = []float64{1}
	}
	for decade := math.Floor(low); decade <= high; decade++ {
		for _, step := range steps {
			if v := decade + math.Log10(step); v >= low && v <= high {
				out = append(out, plot.Tick{Value: v, Label: seconds(step * math.Pow(10, decade))})
			}
		}
	}
	return out
}

// seconds writes a round time with its unit.
func seconds(v float64) string {
	switch {
	case v < 0.9995e-3:
		return fmt.Sprintf("%.4g µs", v*1e6)
	case v < 0.9995:
		return fmt.Sprintf("%.4g ms", v*1e3)
	}
	return fmt.Sprintf("%.4g s", v)
}
