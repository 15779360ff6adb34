package plot

import (
	"image/color"
	"math"

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

const capLength = 3 // of whiskers, to either side

// whisker draws a vertical range with caps, with a rim of paper around it that
// sets it off against whatever it crosses.
func whisker(c draw.Canvas, x, low, high vg.Length) {
	var p vg.Path
	p.Move(vg.Point{X: x, Y: low})
	p.Line(vg.Point{X: x, Y: high})
	for _, y := range []vg.Length{low, high} {
		p.Move(vg.Point{X: x - capLength, Y: y})
		p.Line(vg.Point{X: x + capLength, Y: y})
	}
	rimmed(c, p, 1, ink)
}

// lying is a horizontal whisker.
func lying(c draw.Canvas, y, low, high vg.Length) {
	var p vg.Path
	p.Move(vg.Point{X: low, Y: y})
	p.Line(vg.Point{X: high, Y: y})
	for _, x := range []vg.Length{low, high} {
		p.Move(vg.Point{X: x, Y: y - capLength})
		p.Line(vg.Point{X: x, Y: y + capLength})
	}
	rimmed(c, p, 1, ink)
}

// rimmed strokes a path with a rim of paper.
func rimmed(c draw.Canvas, p vg.Path, width vg.Length, with color.Color) {
	c.SetLineStyle(draw.LineStyle{Color: paper, Width: width + 1.5})
	c.Stroke(p)
	c.SetLineStyle(draw.LineStyle{Color: with, Width: width})
	c.Stroke(p)
}

// line strokes a straight line.
func line(c draw.Canvas, from, to vg.Point, style draw.LineStyle) {
	var p vg.Path
	p.Move(from)
	p.Line(to)
	c.SetLineStyle(style)
	c.Stroke(p)
}

// polygon is a regular one around a point, a corner on top.
func polygon(at vg.Point, radius vg.Length, corners int) (p vg.Path) {
	for i := range corners {
		angle := 2*math.Pi*float64(i)/float64(corners) + math.Pi/2
		to := vg.Point{X: at.X + radius*vg.Length(math.Cos(angle)), Y: at.Y + radius*vg.Length(math.Sin(angle))}
		if i == 0 {
			p.Move(to)
		} else {
			p.Line(to)
		}
	}
	p.Close()
	return p
}

// glyph marks a point of the i-th series, told apart by form as well as by hue.
func glyph(c draw.Canvas, at vg.Point, i int) {
	p := polygon(at, 4.5, [...]int{30, 4, 3, 6, 5}[i%5])
	rimmed(c, p, 0.5, hue(i))
	c.SetColor(hue(i))
	c.Fill(p)
}

// ring goes around a glyph.
func ring(c draw.Canvas, at vg.Point) { rimmed(c, polygon(at, 6.5, 40), 1, ink) }

// diamond is a small hollow one, for what others have measured.
func diamond(c draw.Canvas, at vg.Point) {
	p := polygon(at, 4.5, 4)
	c.SetColor(paper)
	c.Fill(p)
	rimmed(c, p, 1.25, ink)
}
