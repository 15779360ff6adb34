package plot

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hapscope/analysis"
	"hapscope/record"
)

// stackGap separates the workloads of stacked bars, in bars.
const stackGap = 0.7

// stack is one cell of the figure of layers.
type stack struct {
	x      float64
	cell   record.Cell
	layers *analysis.Layers // nil: a gap
	word   string           // what stands in a gap
}

// stacks draws the layers of all cells.
type stacks struct {
	stacks   []stack
	contexts []record.Context // in use, from below
	groups   []float64        // middle of each workload
	names    []string         // of the workloads
}

func makeStacks(r *analysis.Report) stacks {
	all := r.LayersOf()
	var out stacks
	x := 0.0
	for _, w := range r.Run.Plan.Workloads {
		first := x
		for _, v := range r.Run.Plan.Variants {
			s := stack{x: x, cell: record.Cell{Variant: v, Workload: w}}
			at := slices.IndexFunc(all, func(l analysis.Layers) bool { return l.Cell == s.cell })
			switch c := r.Cell(v, w); {
			case at >= 0:
				s.layers = &all[at]
			case c == nil:
				s.word = "not planned"
			case c.Measured() > 0:
				s.word = "not measured"
			default:
				s.word = string(c.Status)
			}
			out.stacks = append(out.stacks, s)
			x++
		}
		out.groups, out.names = append(out.groups, (first+x-1)/2), append(out.names, w)
		x += stackGap
	}
	out.contexts = analysis.LayerContexts(all)
	return out
}

// width is that of all bars.
func (ss stacks) width() vg.Length {
	return vg.Length(float64(len(ss.stacks))+stackGap*float64(len(ss.groups))) * stackWidth
}

// stackWidth is that of a bar with the gap beside it: four digits fit in.
const stackWidth = 32

// DataRange implements plot.DataRanger.
func (ss stacks) DataRange() (xmin, xmax, ymin, ymax float64) {
	last := 0.0
	for _, s := range ss.stacks {
		last = s.x
		if s.layers != nil {
			ymax = math.Max(ymax, s.layers.Max)
		}
	}
	if ymax == 0 {
		ymax = 100 // nothing was measured: an axis all the same
	}
	return -0.5 - stackGap/2, last + 0.5 + stackGap/2, 0, ymax * 1.16 // room for the labels above
}

// Plot implements plot.Plotter.
func (ss stacks) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, middle := range ss.groups {
		style := words(10.5, ink)
		style.XAlign, style.YAlign = draw.XCenter, draw.YTop
		c.FillText(style, vg.Point{X: x(middle), Y: c.Max.Y}, ss.names[i])
	}
	for _, s := range ss.stacks {
		half := (x(1) - x(0)) * 0.44
		slot := vg.Rectangle{Min: vg.Point{X: x(s.x) - half, Y: y(0)}, Max: vg.Point{X: x(s.x) + half, Y: y(0)}}
		if s.layers == nil {
			bar{word: s.word}.drawGap(c, slot)
			continue
		}
		ss.draw(c, s, slot, y)
	}
}

func (ss stacks) draw(c draw.Canvas, s stack, slot vg.Rectangle, y func(float64) vg.Length) {
	height := 0.0
	for _, l := range s.layers.Layers {
		part := slot
		part.Min.Y, part.Max.Y = y(height), y(height+l.Adds)
		height += l.Adds
		hue := ss.paint(c, l.Context, part)
		if part.Max.Y-part.Min.Y >= 10 {
			style := words(8, hue)
			style.XAlign, style.YAlign = draw.XCenter, draw.YCenter
			c.FillText(style, vg.Point{X: (part.Min.X + part.Max.X) / 2, Y: (part.Min.Y + part.Max.Y) / 2}, fmt.Sprintf("%.0f", l.Adds))
		}
	}
	middle := (slot.Min.X + slot.Max.X) / 2
	if s.layers.N > 1 { // a single repetition has no spread, not a small one
		whisker(c, slot.Max.X-3, y(s.layers.Min), y(s.layers.Max))
	}
	above := words(8, muted)
	above.XAlign = draw.XCenter
	c.FillText(above, vg.Point{X: middle, Y: y(s.layers.Max) + 2}, fmt.Sprintf("%.0f", s.layers.Mean))
}

// paint fills a part in the colour of its layer and returns that of the text on it.
func (ss stacks) paint(c draw.Canvas, context record.Context, part vg.Rectangle) color.NRGBA {
	if context == analysis.Interrupt {
		fill(c, part, tint(grey))
		hatch(c, part, grey)
		outline(c, part, grey)
		return ink
	}
	hue := hue(slices.Index(ss.contexts, context))
	fill(c, part, hue)
	return readableOn(hue)
}

// legend explains the layers, from below.
func (ss stacks) legend() (items []item) {
	for _, context := range ss.contexts {
		items = append(items, item{analysis.LayerName(context), func(c draw.Canvas, r vg.Rectangle) { ss.paint(c, context, r) }})
	}
	return append(items, item{"min–max of the whole", func(c draw.Canvas, r vg.Rectangle) {
		whisker(c, (r.Min.X+r.Max.X)/2, r.Min.Y, r.Max.Y)
	}})
}

// ticks names the variant under each bar.
func (ss stacks) ticks() plot.ConstantTicks {
	var out plot.ConstantTicks
	for _, s := range ss.stacks {
		out = append(out, plot.Tick{Value: s.x, Label: s.cell.Variant})
	}
	return out
}
