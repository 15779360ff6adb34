package plot

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	legendSize   = 9.5
	legendSwatch = 11
	legendRow    = 16
)

// item is one entry of the legend.
type item struct {
	label string
	draw  func(c draw.Canvas, r vg.Rectangle)
}

// legendItems explains the series and then the parts of a bar.
func legendItems(variants []string) (items []item) {
	for i, v := range variants {
		c := hue(i)
		items = append(items, item{v, func(canvas draw.Canvas, r vg.Rectangle) { fill(canvas, r, c) }})
	}
	return append(items,
		item{"process context", func(c draw.Canvas, r vg.Rectangle) { fill(c, r, grey) }},
		item{"added by interrupt contexts", func(c draw.Canvas, r vg.Rectangle) {
			fill(c, r, tint(grey))
			hatch(c, r, grey)
			outline(c, r, grey)
		}},
		item{"min–max", func(c draw.Canvas, r vg.Rectangle) {
			whisker(c, (r.Min.X+r.Max.X)/2, r.Min.Y, r.Max.Y)
		}})
}

// legendRows breaks the entries into rows of at most the given width. The
// explanation of the bars' parts begins a row of its own.
func legendRows(items []item, variants int, width vg.Length) (rows [][]item) {
	style := words(legendSize, ink)
	used := vg.Length(0)
	for i, it := range items {
		w := itemWidth(style, it)
		if i == 0 || i == variants || used+w > width {
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], it)
		used += w
	}
	return rows
}

func itemWidth(style draw.TextStyle, it item) vg.Length {
	return legendSwatch + 5 + style.Width(it.label) + 16
}

// drawLegend draws the rows downwards from the upper left corner. They have a
// strip of the canvas to themselves, so that no bar is ever covered.
func drawLegend(c draw.Canvas, rows [][]item, left, top vg.Length) {
	style := words(legendSize, ink)
	style.YAlign = draw.YCenter
	for i, row := range rows {
		x, y := left, top-vg.Length(i)*legendRow-legendRow/2
		for _, it := range row {
			it.draw(c, vg.Rectangle{Min: vg.Point{X: x, Y: y - legendSwatch/2}, Max: vg.Point{X: x + legendSwatch, Y: y + legendSwatch/2}})
			c.FillText(style, vg.Point{X: x + legendSwatch + 5, Y: y}, it.label)
			x += itemWidth(style, it)
		}
	}
}
