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

const (
	barWidth = 27 // points: four digits of the label's font fit in
	groupGap = 30
	barGap   = 2
)

// bar is one cell of the figure.
type bar struct {
	group, series int
	hue           color.NRGBA
	process, any  *analysis.Summary // nil: a gap
	word          string            // what stands in a gap
	mark          string            // what is wrong with a bar
}

// bars draws all cells. gonum's BarChart could do the bars, but its YErrorBars
// know no offset within a group.
type bars struct {
	series int
	bars   []bar
}

// makeBars takes the cells of a phase.
func makeBars(r *analysis.Report, phase record.Phase) bars {
	out := bars{series: len(r.Run.Plan.Variants)}
	for g, w := range r.Run.Plan.Workloads {
		for s, v := range r.Run.Plan.Variants {
			b := bar{group: g, series: s, hue: hue(s)}
			switch c := r.Cell(v, w); {
			case c == nil:
				b.word = "not planned"
			case c.Summary(phase, record.InProcess, analysis.UniqueFunctions) == nil:
				b.word = string(c.Status)
				if c.Measured() > 0 {
					b.word = "not measured"
				}
			default:
				b.process = c.Summary(phase, record.InProcess, analysis.UniqueFunctions)
				b.any = c.Summary(phase, analysis.Any, analysis.UniqueFunctions)
				if c.Counts[record.Degraded] > 0 {
					b.mark += degradedMark
				}
				if c.Measured() < c.Planned {
					b.mark += partialMark
				}
			}
			out.bars = append(out.bars, b)
		}
	}
	return out
}

// marks returns all marks in use, so that the caption explains those only.
func (bs bars) marks() (all string) {
	for _, b := range bs.bars {
		all += b.mark
	}
	return all
}

// groupWidth is the width of a group with the gap beside it.
func (bs bars) groupWidth() vg.Length { return vg.Length(bs.series*barWidth + groupGap) }

// DataRange implements plot.DataRanger.
func (bs bars) DataRange() (xmin, xmax, ymin, ymax float64) {
	groups := 0
	for _, b := range bs.bars {
		groups = max(groups, b.group+1)
		if b.any != nil {
			ymax = math.Max(ymax, b.any.Max)
		}
	}
	if ymax == 0 {
		ymax = 100 // nothing was measured: an axis all the same
	}
	return -0.5, float64(groups) - 0.5, 0, ymax * 1.1 // room for the labels above
}

// Plot implements plot.Plotter.
func (bs bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, b := range bs.bars {
		left := x(float64(b.group)) + vg.Length(float64(b.series)-float64(bs.series)/2)*barWidth + barGap/2
		slot := vg.Rectangle{Min: vg.Point{X: left, Y: y(0)}, Max: vg.Point{X: left + barWidth - barGap, Y: y(0)}}
		if b.process == nil {
			b.drawGap(c, slot)
			continue
		}
		solid, top := slot, slot
		solid.Max.Y = y(b.process.Median)
		top.Min.Y, top.Max.Y = solid.Max.Y, y(b.any.Median)
		fill(c, solid, b.hue)
		fill(c, top, tint(b.hue))
		hatch(c, top, b.hue)
		outline(c, top, b.hue)
		middle := (slot.Min.X + slot.Max.X) / 2
		if b.process.N > 1 { // a single repetition has no spread, not a small one
			whisker(c, middle-barWidth/6, y(b.process.Min), y(b.process.Max))
			whisker(c, middle+barWidth/6, y(b.any.Min), y(b.any.Max))
		}

		inside := words(8, readableOn(b.hue))
		inside.XAlign = draw.XCenter
		c.FillText(inside, vg.Point{X: middle, Y: y(0) + 3}, fmt.Sprintf("%g", b.process.Median))
		above := words(7.5, muted)
		above.XAlign = draw.XCenter
		c.FillText(above, vg.Point{X: middle, Y: y(b.any.Max) + 2}, fmt.Sprintf("%g", b.any.Median)+b.mark)
	}
}

// drawGap writes why there is no bar.
func (b bar) drawGap(c draw.Canvas, slot vg.Rectangle) {
	style := words(9, muted)
	style.Rotation = math.Pi / 2
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	slot.Max.Y = slot.Min.Y + style.Width(b.word) + 12
	c.SetLineStyle(draw.LineStyle{Color: muted, Width: 0.75, Dashes: []vg.Length{2, 2}})
	c.Stroke(rectangle(slot))
	c.FillText(style, vg.Point{X: (slot.Min.X + slot.Max.X) / 2, Y: slot.Min.Y + 6}, b.word)
}
