package plot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hapscope/analysis"
	"hapscope/record"
)

// timingWidth is that of a bar of timings: a ratio with a mark fits above it.
const timingWidth = 34

// timingBar is one cell.
type timingBar struct {
	group, series int
	hue           color.NRGBA
	value         *float64           // nil: a gap
	ci            *analysis.Interval // nil: too few repetitions
	top           *float64           // a second value above the first: the peak of memory
	topCI         *analysis.Interval // of top
	published     *float64
	inside        string // along the bar
	word          string // what stands in a gap
	mark          string // what is wrong with a bar
	across        bool   // a line runs across all bars, at 1
}

// timingBars draws all cells of a place.
type timingBars struct {
	groups, series int
	bars           []timingBar
	line           bool // at 1, where the reference is
}

// barsOf says what the bars of a figure are.
type barsOf struct {
	metric  analysis.Metric
	title   string
	axis    string
	scale   float64         // of the axis, in the metric's unit
	what    string          // the values, in the caption
	to      string          // the reference where the bars are ratios to it, else empty
	top     analysis.Metric // empty where there is one value
	topName string
}

// bars says so of the figure that is asked for.
func (o Options) bars(reference string) barsOf {
	switch o.Timing {
	case Throughput:
		return barsOf{metric: analysis.ReqPerSec, title: "Throughput in saturation, relative to " + reference, axis: "requests a second, relative to " + reference, scale: 1, to: reference,
			what: "Bars: ratio of medians to " + reference + " under the same workload, with the number above; requests a second along the bar. Whiskers: bootstrapped 95 % interval of the ratio"}
	case StartUp:
		return barsOf{metric: analysis.StartUp, title: "Start-up, until the first correct reply", axis: "seconds (median)", scale: 1,
			what: "Whiskers: exact 95 % interval of the median"}
	default:
		return barsOf{metric: analysis.RSS, title: "Resident memory of everything that a sandbox is made of", axis: "MiB (median)", scale: 1 << 20, top: analysis.PeakRSS, topName: "peak since create",
			what: "Hatched: up to the peak, with the number above. Solid: after the load, with the number in the bar where it is another. Whiskers: exact 95 % intervals of the medians; on the left that after the load"}
	}
}

func newTimingBars(r *analysis.Report, o Options) *figure {
	of := o.bars(r.Reference())
	variants := timedVariants(r, o.Place)
	data := makeTimingBars(r, o.Place, of, variants)
	f := &figure{title: fmt.Sprintf("%s (%s)", of.title, o.Place)}
	workloads := r.Run.Plan.Workloads
	f.width = max(540, axisRoom+2*margin+vg.Length(len(workloads))*data.groupWidth())
	f.explain(append(variantItems(r, variants), data.legend(of)...), len(variants), timingCaption(r, o.Place, of.metric, of.what+", "+repetitions(r, o.Place, of.metric)+"."+data.explainMarks()+data.cut()))
	p := newPlot(data, of.axis)
	p.NominalX(workloads...)
	p.X.Tick.Label = alignedLike(p.X.Tick.Label, words(10.5, ink))
	p.X.Tick.Length, p.X.Tick.LineStyle.Width, p.X.LineStyle.Width = 6, 0, 0
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = data.DataRange()
	f.panels = []*plot.Plot{p}
	return f
}

func makeTimingBars(r *analysis.Report, p record.Place, of barsOf, variants []int) timingBars {
	out := timingBars{groups: len(r.Run.Plan.Workloads), series: len(variants), line: of.to != ""}
	for g, w := range r.Run.Plan.Workloads {
		for s, i := range variants {
			v := r.Run.Plan.Variants[i]
			b := timingBar{group: g, series: s, hue: hue(i), across: of.to != ""}
			b.take(r.TimedCell(p, v, w), of)
			if published := r.PublishedThroughput(record.Cell{Variant: v, Workload: w}); of.to != "" && published != nil && b.value != nil {
				ratio := published.Ratio()
				b.published = &ratio
			}
			out.bars = append(out.bars, b)
		}
	}
	return out
}

// take fills a bar with what a cell has.
func (b *timingBar) take(t *analysis.Timed, of barsOf) {
	switch {
	case t == nil:
		b.word = "not planned"
		return
	case t.Series(of.metric) == nil:
		b.word = string(t.Status)
		if t.Counts[record.OK] > 0 {
			b.word = "not measured"
		}
		return
	}
	s := t.Series(of.metric)
	if t.Counts[record.OK] < t.Planned {
		b.mark = partialMark
	}
	value, ci := s.Median, s.CI
	if of.to != "" {
		b.inside = of.metric.Say(s.Median)
		switch {
		case s.ToReference != nil:
			value, ci = s.ToReference.Ratio, s.ToReference.CI
		case t.Variant == of.to:
			value, ci = 1, nil
		default:
			b.word = "no " + of.to
			return
		}
	}
	value /= of.scale
	b.value = &value
	b.ci = scaled(ci, of.scale)
	if top := t.Series(of.top); top != nil {
		v := top.Median / of.scale
		b.top, b.topCI = &v, scaled(top.CI, of.scale)
	}
}

func scaled(i *analysis.Interval, by float64) *analysis.Interval {
	if i == nil {
		return nil
	}
	return &analysis.Interval{Low: i.Low / by, High: i.High / by}
}

// groupWidth is the width of a group with the gap beside it.
func (bs timingBars) groupWidth() vg.Length { return vg.Length(bs.series*timingWidth + groupGap) }

// highest is where a bar with its whiskers ends.
func (b timingBar) highest() (y float64) {
	for _, v := range []*float64{b.value, b.top} {
		if v != nil {
			y = math.Max(y, *v)
		}
	}
	for _, i := range []*analysis.Interval{b.ci, b.topCI} {
		if i != nil {
			y = math.Max(y, i.High)
		}
	}
	return y
}

// DataRange implements plot.DataRanger. Intervals that would squeeze the bars into less
// than half of the height are cut.
func (bs timingBars) DataRange() (xmin, xmax, ymin, ymax float64) {
	whole := 0.0
	for _, b := range bs.bars {
		whole = math.Max(whole, b.highest())
		for _, v := range []*float64{b.value, b.top, b.published} {
			if v != nil {
				ymax = math.Max(ymax, *v)
			}
		}
	}
	if ymax == 0 {
		ymax = 1 // nothing was timed: an axis all the same
	}
	return -0.5, float64(bs.groups) - 0.5, 0, math.Min(2*ymax, math.Max(whole, ymax)) * 1.1 // room for the labels above
}

// cut says that an interval reaches beyond the axis, where one does.
func (bs timingBars) cut() string {
	_, _, _, ymax := bs.DataRange()
	for _, b := range bs.bars {
		if b.highest() > ymax {
			return " Intervals with an arrow reach beyond the axis."
		}
	}
	return ""
}

// Plot implements plot.Plotter.
func (bs timingBars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	if bs.line {
		line(c, vg.Point{X: c.Min.X, Y: y(1)}, vg.Point{X: c.Max.X, Y: y(1)}, draw.LineStyle{Color: muted, Width: 0.75, Dashes: []vg.Length{4, 3}})
	}
	for _, b := range bs.bars {
		left := x(float64(b.group)) + vg.Length(float64(b.series)-float64(bs.series)/2)*timingWidth + barGap/2
		slot := vg.Rectangle{Min: vg.Point{X: left, Y: y(0)}, Max: vg.Point{X: left + timingWidth - barGap, Y: y(0)}}
		if b.value == nil {
			bar{word: b.word}.drawGap(c, slot)
			continue
		}
		b.draw(c, slot, y)
	}
}

// draw draws a bar. Its whisker stands at the right, so that the number has its place
// right above the bar.
func (b timingBar) draw(c draw.Canvas, slot vg.Rectangle, y func(float64) vg.Length) {
	solid := slot
	solid.Max.Y = y(*b.value)
	fill(c, solid, b.hue)
	at := slot.Max.X - 5
	if b.top != nil {
		top := vg.Rectangle{Min: vg.Point{X: slot.Min.X, Y: solid.Max.Y}, Max: vg.Point{X: slot.Max.X, Y: y(*b.top)}}
		fill(c, top, tint(b.hue))
		hatch(c, top, b.hue)
		outline(c, top, b.hue)
		at = slot.Min.X + 5
	}
	b.along(c, solid)
	within(c, at, b.ci, y)
	within(c, slot.Max.X-5, b.topCI, y)
	b.label(c, slot, y)
}

// within draws the whisker of an interval as far as the canvas goes, with an arrow where
// it goes on.
func within(c draw.Canvas, x vg.Length, i *analysis.Interval, y func(float64) vg.Length) {
	if i == nil {
		return
	}
	low, high := y(i.Low), y(i.High)
	if high <= c.Max.Y {
		whisker(c, x, low, high)
		return
	}
	var p vg.Path
	p.Move(vg.Point{X: x - capLength, Y: low})
	p.Line(vg.Point{X: x + capLength, Y: low})
	p.Move(vg.Point{X: x, Y: low})
	p.Line(vg.Point{X: x, Y: c.Max.Y})
	p.Move(vg.Point{X: x - capLength, Y: c.Max.Y - 5})
	p.Line(vg.Point{X: x, Y: c.Max.Y})
	p.Line(vg.Point{X: x + capLength, Y: c.Max.Y - 5})
	rimmed(c, p, 1, ink)
}

// label writes the number above the bar, and above the line across or the diamond where
// these would cross it.
func (b timingBar) label(c draw.Canvas, slot vg.Rectangle, y func(float64) vg.Length) {
	const room = 14 // of a line with the diamond
	label := *b.value
	at := vg.Point{X: slot.Min.X + 1, Y: y(label) + 2}
	if b.top != nil { // two whiskers leave room above them only
		label, at.Y = *b.top, y(b.highest())+4
	}
	if l := y(1); b.across && at.Y < l+2 && at.Y+8 > l {
		at.Y = l + 2
	}
	if b.published != nil {
		d := vg.Point{X: (slot.Min.X+slot.Max.X)/2 + 2, Y: y(*b.published)}
		if d.Y > at.Y-6 && d.Y < at.Y+room {
			at.Y = d.Y + 6
		}
		diamond(c, d)
	}
	c.FillText(words(8, muted), at, short(label)+b.mark)
}

// along writes into the bar what it stands for: upwards, so that long numbers fit.
func (b timingBar) along(c draw.Canvas, solid vg.Rectangle) {
	text := b.inside
	if b.top != nil {
		if text = short(*b.value); text == short(*b.top) {
			return // it stands above the bar
		}
	}
	style := words(8, readableOn(b.hue))
	if text == "" || style.Width(text)+8 > solid.Max.Y-solid.Min.Y && b.inside != "" || solid.Max.Y-solid.Min.Y < 12 {
		return
	}
	if b.inside == "" {
		style.XAlign = draw.XCenter
		c.FillText(style, vg.Point{X: (solid.Min.X + solid.Max.X) / 2, Y: solid.Min.Y + 3}, text)
		return
	}
	style.Rotation = math.Pi / 2
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	c.FillText(style, vg.Point{X: solid.Min.X + 8, Y: solid.Min.Y + 5}, text)
}

// short writes a number to three digits.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// legend explains the parts of a bar that are in use.
func (bs timingBars) legend(of barsOf) (items []item) {
	if of.top != "" {
		items = append(items,
			item{"after the load", func(c draw.Canvas, r vg.Rectangle) { fill(c, r, grey) }},
			item{of.topName, func(c draw.Canvas, r vg.Rectangle) {
				fill(c, r, tint(grey))
				hatch(c, r, grey)
				outline(c, r, grey)
			}})
	}
	items = append(items, intervalItem("95 % interval"))
	for _, b := range bs.bars {
		if b.published != nil {
			return append(items, item{"published in 2018, relative to docker", func(c draw.Canvas, r vg.Rectangle) {
				diamond(c, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2})
			}})
		}
	}
	return items
}

// explainMarks explains the marks in use.
func (bs timingBars) explainMarks() string {
	for _, b := range bs.bars {
		if b.mark != "" {
			return " " + partialMark + " fewer repetitions than planned have numbers."
		}
	}
	return ""
}
