package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hapscope/analysis"
)

// The measures of the heat map, in points.
const (
	heatWidth  = 27 // of a cell: four digits fit in
	heatHeight = 14
	heatGap    = 12 // between workloads
	heatTitle  = 16 // of a workload, above its columns
	heatLimit  = 32 // rows; what is left is one row
)

// heat draws variants by subsystems, the workloads side by side: the darker a cell, the
// more functions.
type heat struct {
	r       *analysis.Report
	columns []heatColumn
	rows    []heatRow
	most    int
	left    vg.Length // width of the rows' names
	bottom  vg.Length // height of the columns' names
}

type heatColumn struct{ workload, variant string }

type heatRow struct {
	name   string
	counts []int // per column
	most   int
}

// unknown is the row of functions of which nobody knows the subsystem.
func (r heatRow) unknown() bool { return r.name == analysis.SubsystemName("") }

func newHeat(r *analysis.Report) (*figure, error) {
	h := heat{r: r}
	var approximate, unplaced int // at most, of any workload
	for _, w := range r.Run.Plan.Workloads {
		s := r.SubsystemsOf(w)
		h.add(w, s)
		approximate, unplaced = max(approximate, s.Approximate), max(unplaced, s.Unplaced)
	}
	if len(h.columns) == 0 {
		return nil, fmt.Errorf("%w: no function was measured, or of two kernels, which cannot be compared", ErrNothing)
	}
	h.fold()
	for _, row := range h.rows {
		h.left = max(h.left, words(8.5, ink).Width(row.name)+8)
		if !row.unknown() { // which is no subsystem, and would set the scale
			h.most = max(h.most, row.most)
		}
	}
	for _, c := range h.columns {
		h.bottom = max(h.bottom, words(8, ink).Width(c.variant)/math.Sqrt2+12)
	}
	f := &figure{title: "Unique host-kernel functions by subsystem, steady state", paint: h.draw}
	f.width = max(540, h.left+h.x(len(h.columns)-1)+heatWidth+2*margin)
	f.body = heatTitle + vg.Length(len(h.rows))*heatHeight + h.bottom
	f.explain(h.legend(), 0, h.caption(approximate, unplaced))
	return f, nil
}

// add takes the subsystems of a workload in.
func (h *heat) add(workload string, s analysis.Subsystems) {
	before := len(h.columns)
	for _, v := range s.Variants {
		h.columns = append(h.columns, heatColumn{workload, v})
	}
	for i := range h.rows {
		h.rows[i].counts = append(h.rows[i].counts, make([]int, len(s.Variants))...)
	}
	for _, of := range s.Rows {
		name := analysis.SubsystemName(of.Name)
		i := slices.IndexFunc(h.rows, func(r heatRow) bool { return r.name == name })
		if i < 0 {
			i = len(h.rows)
			h.rows = append(h.rows, heatRow{name: name, counts: make([]int, len(h.columns))})
		}
		for j, w := range of.Weights {
			h.rows[i].counts[before+j] = w.Functions
			h.rows[i].most = max(h.rows[i].most, w.Functions)
		}
	}
}

// fold sorts the rows and makes one of those with the fewest functions. Functions of
// which nobody knows the subsystem come last.
func (h *heat) fold() {
	known, unknown := []heatRow{}, []heatRow{}
	for _, row := range h.rows {
		if row.unknown() {
			unknown = append(unknown, row)
		} else {
			known = append(known, row)
		}
	}
	slices.SortFunc(known, func(a, b heatRow) int {
		return cmp.Or(cmp.Compare(b.most, a.most), cmp.Compare(a.name, b.name))
	})
	if len(known) > heatLimit {
		rest := heatRow{name: fmt.Sprintf("%d others", len(known)-heatLimit+1), counts: make([]int, len(h.columns))}
		for _, row := range known[heatLimit-1:] {
			for i, n := range row.counts {
				rest.counts[i] += n
				rest.most = max(rest.most, rest.counts[i])
			}
		}
		known = append(known[:heatLimit-1], rest)
	}
	h.rows = slices.Concat(known, unknown)
}

func (h heat) caption(approximate, unplaced int) string {
	s := h.r.Conditions() + ". Process context, over all repetitions. The shade goes by the square root of the number; an empty cell is none."
	if unplaced > 0 {
		s += " Functions of which the subsystem is not known have no shade."
	}
	if approximate > 0 {
		s += fmt.Sprintf(" Of the functions of a workload, up to %d are placed by their names alone, for want of the kernel's table; of %d of them it is not known.", approximate, unplaced)
	}
	return s
}

// shade is blue, the more the more functions. It lets what it lies on through, so that
// the text's colour is readable on it, in light and in dark.
func (h heat) shade(n int) color.NRGBA {
	c := hue(0)
	c.A = uint8(20 + 200*math.Sqrt(float64(n)/float64(h.most)))
	return c
}

func (h heat) legend() (items []item) {
	for _, part := range []float64{1, .3, .1, .01} {
		n := max(1, int(math.Round(float64(h.most)*part)))
		label := fmt.Sprint(n)
		if len(items) == 0 {
			label += " functions"
		}
		items = append(items, item{label, func(c draw.Canvas, r vg.Rectangle) { fill(c, r, h.shade(n)) }})
	}
	return items
}

// x is where the i-th column begins, right of the rows' names.
func (h heat) x(i int) vg.Length {
	gaps := 0
	for j := 1; j <= i; j++ {
		if h.columns[j].workload != h.columns[j-1].workload {
			gaps++
		}
	}
	return vg.Length(i)*heatWidth + vg.Length(gaps)*heatGap
}

func (h heat) draw(c draw.Canvas) {
	top, left := c.Max.Y-heatTitle, c.Min.X+h.left
	name := words(8.5, ink)
	name.XAlign, name.YAlign = draw.XRight, draw.YCenter
	for i, row := range h.rows {
		y := top - vg.Length(i)*heatHeight
		c.FillText(name, vg.Point{X: left - 6, Y: y - heatHeight/2}, row.name)
		for j, n := range row.counts {
			h.cell(c, n, row.unknown(), vg.Rectangle{Min: vg.Point{X: left + h.x(j) + .5, Y: y - heatHeight + .5}, Max: vg.Point{X: left + h.x(j) + heatWidth - .5, Y: y - .5}})
		}
	}
	h.names(c, left, top)
}

func (h heat) cell(c draw.Canvas, n int, unknown bool, box vg.Rectangle) {
	switch {
	case n == 0 || unknown:
		outline(c, box, rule)
	default:
		fill(c, box, h.shade(n))
	}
	if n == 0 {
		return
	}
	number := words(7.5, ink)
	number.XAlign, number.YAlign = draw.XCenter, draw.YCenter
	c.FillText(number, vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: (box.Min.Y + box.Max.Y) / 2}, fmt.Sprint(n))
}

// names says the workloads above and the variants below.
func (h heat) names(c draw.Canvas, left, top vg.Length) {
	above, below := words(9.5, ink), words(8, ink)
	below.Rotation, below.XAlign, below.YAlign = math.Pi/4, draw.XRight, draw.YTop
	bottom := top - vg.Length(len(h.rows))*heatHeight
	for i, column := range h.columns {
		if i == 0 || column.workload != h.columns[i-1].workload {
			c.FillText(above, vg.Point{X: left + h.x(i), Y: top + 4}, column.workload)
		}
		c.FillText(below, vg.Point{X: left + h.x(i) + heatWidth/2 + 3, Y: bottom - 3}, column.variant)
	}
}
