package plot

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hapscope/analysis"
)

// The measures of the figure of combinations, in points.
const (
	comboWidth  = 19  // of a column: four digits of its number fit in
	comboBars   = 100 // height of the longest bar
	comboRow    = 14  // height of a variant's row
	comboDot    = 3.6 // radius
	comboTitle  = 18
	comboGap    = 22 // between workloads
	comboLimit  = 24 // columns; what is left is said in words
	numberAbove = 12 // room for the number above the longest bar
)

// upset draws the combinations of variants that functions are shared by, after Lex et
// al., "UpSet: Visualization of Intersecting Sets", 2014: a column is a combination, its
// dots say of whom, its bar of how many functions.
type upset struct {
	r        *analysis.Report
	sharings []analysis.Sharing
	labels   vg.Length // width of the rows' names
}

// newUpset lays the figure out for one workload, or for all.
func newUpset(r *analysis.Report, o Options) (*figure, error) {
	u := upset{r: r, sharings: r.Sharings()}
	if o.Workload != "" {
		u.sharings = slices.DeleteFunc(u.sharings, func(s analysis.Sharing) bool { return s.Workload != o.Workload })
	}
	if len(u.sharings) == 0 {
		return nil, fmt.Errorf("%w: no workload was measured under two variants", ErrNothing)
	}
	f := &figure{title: "Functions shared, and private: which variants reach them", body: 4 - comboGap}
	columns := 0
	for _, s := range u.sharings {
		columns = max(columns, min(len(s.Combinations), comboLimit))
		f.body += u.height(s) + comboGap
		for i := range s.Variants {
			u.labels = max(u.labels, words(9, ink).Width(label(s, i))+legendSwatch+10)
		}
	}
	f.width = max(540, u.labels+vg.Length(columns)*comboWidth+2*margin)
	f.paint = u.draw
	f.explain(u.legend(), 0, r.Conditions()+". Steady state, process context, over all repetitions. A function is counted in one column: that of all variants that reach it, and of no other.")
	return f, nil
}

// label is the name of a row with the size of its set.
func label(s analysis.Sharing, i int) string { return fmt.Sprintf("%s: %d", s.Variants[i], s.Sizes[i]) }

func (u upset) height(s analysis.Sharing) vg.Length {
	h := comboTitle + numberAbove + comboBars + 6 + vg.Length(len(s.Variants))*comboRow
	if len(s.Combinations) > comboLimit {
		h += comboRow
	}
	return h
}

func (u upset) legend() []item {
	return []item{
		{"shared by all", func(c draw.Canvas, r vg.Rectangle) { fill(c, r, muted) }},
		{"private to one (in its colour)", func(c draw.Canvas, r vg.Rectangle) { fill(c, r, hue(0)) }},
		{"shared by some", func(c draw.Canvas, r vg.Rectangle) {
			fill(c, r, tint(grey))
			hatch(c, r, grey)
			outline(c, r, grey)
		}},
	}
}

// draw draws the workloads one below the other.
func (u upset) draw(c draw.Canvas) {
	top := c.Max.Y
	for _, s := range u.sharings {
		u.workload(c, s, top)
		top -= u.height(s) + comboGap
	}
}

func (u upset) workload(c draw.Canvas, s analysis.Sharing, top vg.Length) {
	title := words(11, ink)
	title.YAlign = draw.YTop
	c.FillText(title, vg.Point{X: c.Min.X, Y: top}, s.Workload)
	ground := top - comboTitle - numberAbove - comboBars // of the bars
	u.rows(c, s, ground-6)
	shown := s.Combinations[:min(len(s.Combinations), comboLimit)]
	for i, combination := range shown {
		x := c.Min.X + u.labels + (vg.Length(i)+.5)*comboWidth
		high := vg.Length(len(combination.Functions)) / vg.Length(len(s.Combinations[0].Functions)) * comboBars
		u.bar(c, s, combination, vg.Rectangle{Min: vg.Point{X: x - comboWidth*.36, Y: ground}, Max: vg.Point{X: x + comboWidth*.36, Y: ground + max(high, .75)}})
		dots(c, s, combination, x, ground-6)
	}
	if rest := s.Combinations[len(shown):]; len(rest) > 0 {
		functions := 0
		for _, r := range rest {
			functions += len(r.Functions)
		}
		c.FillText(words(captionSize, muted), vg.Point{X: c.Min.X + u.labels, Y: ground - 6 - vg.Length(len(s.Variants)+1)*comboRow + 3},
			fmt.Sprintf("and %d further combinations, of at most %d functions, %d together", len(rest), len(rest[0].Functions), functions))
	}
}

// rows names the variants, downwards from top.
func (u upset) rows(c draw.Canvas, s analysis.Sharing, top vg.Length) {
	name := words(9, ink)
	name.YAlign = draw.YCenter
	for i, v := range s.Variants {
		y := top - (vg.Length(i)+.5)*comboRow
		fill(c, vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: y - 4.5}, Max: vg.Point{X: c.Min.X + 9, Y: y + 4.5}}, hue(slices.Index(u.r.Run.Plan.Variants, v)))
		c.FillText(name, vg.Point{X: c.Min.X + legendSwatch + 4, Y: y}, label(s, i))
	}
}

// bar is as high as its combination has functions, its number above it.
func (u upset) bar(c draw.Canvas, s analysis.Sharing, combination analysis.Combination, box vg.Rectangle) {
	switch len(combination.Members) {
	case len(s.Variants):
		fill(c, box, muted)
	case 1:
		fill(c, box, hue(slices.Index(u.r.Run.Plan.Variants, s.Variants[combination.Members[0]])))
	default:
		fill(c, box, tint(grey))
		hatch(c, box, grey)
		outline(c, box, grey)
	}
	number := words(7.5, ink)
	number.XAlign = draw.XCenter
	c.FillText(number, vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: box.Max.Y + 2}, fmt.Sprint(len(combination.Functions)))
}

// dots says whose the combination is: filled and joined for its members.
func dots(c draw.Canvas, s analysis.Sharing, combination analysis.Combination, x, top vg.Length) {
	at := func(i int) vg.Point { return vg.Point{X: x, Y: top - (vg.Length(i)+.5)*comboRow} }
	first, last := combination.Members[0], combination.Members[len(combination.Members)-1]
	if first != last {
		line(c, at(first), at(last), draw.LineStyle{Color: ink, Width: 1.5})
	}
	for i := range s.Variants {
		shade := rule
		if slices.Contains(combination.Members, i) {
			shade = ink
		}
		c.SetColor(shade)
		c.Fill(polygon(at(i), comboDot, 24))
	}
}
