package plot

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func rectangle(r vg.Rectangle) vg.Path {
	var p vg.Path
	p.Move(r.Min)
	p.Line(vg.Point{X: r.Max.X, Y: r.Min.Y})
	p.Line(r.Max)
	p.Line(vg.Point{X: r.Min.X, Y: r.Max.Y})
	p.Close()
	return p
}

func fill(c draw.Canvas, r vg.Rectangle, with color.Color) {
	c.SetColor(with)
	c.Fill(rectangle(r))
}

func outline(c draw.Canvas, r vg.Rectangle, with color.Color) {
	c.SetLineStyle(draw.LineStyle{Color: with, Width: 0.75})
	c.Stroke(rectangle(r))
}

// hatch draws rising diagonals into a rectangle, so that its parts can be told
// apart in black and white too.
func hatch(c draw.Canvas, r vg.Rectangle, with color.Color) {
	const step = 4.5
	w, h := r.Max.X-r.Min.X, r.Max.Y-r.Min.Y
	c.SetLineStyle(draw.LineStyle{Color: with, Width: 0.75})
	for d := -h + step/2; d < w; d += step {
		right, up := max(d, 0), max(-d, 0)
		run := min(w-right, h-up)
		var p vg.Path
		p.Move(vg.Point{X: r.Min.X + right, Y: r.Min.Y + up})
		p.Line(vg.Point{X: r.Min.X + right + run, Y: r.Min.Y + up + run})
		c.Stroke(p)
	}
}

// whisker draws a vertical range with caps, with a rim of paper around it that
// sets it off against whatever it crosses.
func whisker(c draw.Canvas, x, low, high vg.Length) {
	const cap = 3
	var p vg.Path
	p.Move(vg.Point{X: x, Y: low})
	p.Line(vg.Point{X: x, Y: high})
	for _, y := range []vg.Length{low, high} {
		p.Move(vg.Point{X: x - cap, Y: y})
		p.Line(vg.Point{X: x + cap, Y: y})
	}
	c.SetLineStyle(draw.LineStyle{Color: paper, Width: 2.5})
	c.Stroke(p)
	c.SetLineStyle(draw.LineStyle{Color: ink, Width: 1})
	c.Stroke(p)
}
