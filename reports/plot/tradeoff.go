package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hapscope/analysis"
	"hapscope/record"
)

// offs draws the variants of one workload: throughput to the right, profile upwards.
type offs struct {
	points  []analysis.Point
	numbers []int // of their variants
}

func newTradeOff(r *analysis.Report, p record.Place) (*figure, error) {
	all := r.TradeOffs(p)
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no variant has both a profile and a throughput (%s)", ErrNothing, p)
	}
	var panels []*plot.Plot
	used := map[int]bool{}
	missing := ""
	for _, t := range all {
		data := offs{points: t.Points}
		for _, point := range t.Points {
			i := slices.Index(r.Run.Plan.Variants, point.Variant)
			data.numbers, used[i] = append(data.numbers, i), true
		}
		for _, c := range t.Without {
			missing += ", " + c.String()
		}
		panel := newPanel(data, t.Workload, "requests a second, in saturation", "unique kernel functions")
		panel.X.Min, panel.X.Max, panel.Y.Min, panel.Y.Max = data.DataRange()
		panel.X.Tick.Marker, panel.Y.Tick.Marker = rateTicks{}, ticks{}
		panels = append(panels, panel)
	}
	f := &figure{title: fmt.Sprintf("Horizontal attack profile (%s) against throughput (%s)", r.CountedAt(), p)}
	f.layPanels(panels)
	f.explain(offLegend(r, used), len(used), timingCaption(r, p, analysis.ReqPerSec, offCaption(r, p, missing)))
	return f, nil
}

// offCaption says which of the two numbers came from where.
func offCaption(r *analysis.Report, p record.Place, missing string) string {
	at := map[record.Place]string{record.Native: "natively", record.KVM: "in the lab under KVM", record.Emulated: "in the lab on an emulated CPU, where counts are real and times are not"}[r.CountedAt()]
	if m := r.Run.Machine; m != nil {
		at += " (Linux " + m.Release + ")"
	}
	if p != r.CountedAt() {
		at += ": another machine than that of the throughput"
	}
	s := fmt.Sprintf("Throughput (%s): median and exact 95 %% interval, %s. Profile: unique functions in process context, median and range, counted in repetitions of their own %s. ",
		p, repetitions(r, p, analysis.ReqPerSec), at)
	s += "Further down and to the right is better: as the medians go, no variant on the front is beaten in both by another."
	if missing != "" {
		s += " Without one of the two numbers: " + missing[2:] + "."
	}
	return s
}

func offLegend(r *analysis.Report, used map[int]bool) (items []item) {
	middle := func(b vg.Rectangle) vg.Point { return vg.Point{X: (b.Min.X + b.Max.X) / 2, Y: (b.Min.Y + b.Max.Y) / 2} }
	for i, v := range r.Run.Plan.Variants {
		if used[i] {
			items = append(items, item{v, func(c draw.Canvas, b vg.Rectangle) { glyph(c, middle(b), i) }})
		}
	}
	return append(items,
		item{"on the Pareto front", func(c draw.Canvas, b vg.Rectangle) { ring(c, middle(b)) }},
		item{"the front", func(c draw.Canvas, b vg.Rectangle) {
			line(c, vg.Point{X: b.Min.X, Y: middle(b).Y}, vg.Point{X: b.Max.X, Y: middle(b).Y}, frontStyle())
		}},
		intervalItem("interval, range"))
}

func frontStyle() draw.LineStyle {
	return draw.LineStyle{Color: muted, Width: 1, Dashes: []vg.Length{3, 2}}
}

// DataRange implements plot.DataRanger. Both axes begin at 0.
func (o offs) DataRange() (xmin, xmax, ymin, ymax float64) {
	for _, p := range o.points {
		xmax, ymax = math.Max(xmax, p.Throughput.Median), math.Max(ymax, p.HAP.Max)
		if p.Throughput.CI != nil {
			xmax = math.Max(xmax, p.Throughput.CI.High)
		}
	}
	return 0, xmax * 1.08, 0, ymax * 1.12
}

// Plot implements plot.Plotter.
func (o offs) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	o.front(c, x, y)
	for _, point := range o.points {
		at := vg.Point{X: x(point.Throughput.Median), Y: y(point.HAP.Median)}
		if point.HAP.N > 1 {
			whisker(c, at.X, y(point.HAP.Min), y(point.HAP.Max))
		}
		if i := point.Throughput.CI; i != nil {
			lying(c, at.Y, x(i.Low), x(i.High))
		}
	}
	for k, point := range o.points {
		at := vg.Point{X: x(point.Throughput.Median), Y: y(point.HAP.Median)}
		if point.Front {
			ring(c, at)
		}
		glyph(c, at, o.numbers[k])
	}
}

// front joins the points on the front by steps: what lies above and to the left of them
// is beaten.
func (o offs) front(c draw.Canvas, x, y func(float64) vg.Length) {
	var on []analysis.Point
	for _, p := range o.points {
		if p.Front {
			on = append(on, p)
		}
	}
	slices.SortStableFunc(on, func(a, b analysis.Point) int { return cmp.Compare(a.Throughput.Median, b.Throughput.Median) })
	var path vg.Path
	for i, p := range on {
		to := vg.Point{X: x(p.Throughput.Median), Y: y(p.HAP.Median)}
		if i == 0 {
			path.Move(vg.Point{X: x(0), Y: to.Y})
		} else {
			path.Line(vg.Point{X: x(on[i-1].Throughput.Median), Y: to.Y})
		}
		path.Line(to)
	}
	path.Line(vg.Point{X: x(on[len(on)-1].Throughput.Median), Y: c.Max.Y})
	c.SetLineStyle(frontStyle())
	c.Stroke(path)
}

// rateTicks are those of requests a second.
type rateTicks struct{}

// Ticks implements plot.Ticker.
func (rateTicks) Ticks(low, high float64) []plot.Tick {
	out := ticks{}.Ticks(low, high)
	for i, t := range out {
		if high >= 10_000 && t.Value > 0 {
			out[i].Label = fmt.Sprintf("%g k", t.Value/1000)
		}
	}
	return out
}
