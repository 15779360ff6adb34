package plot

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"hapscope/analysis"
	"hapscope/record"
)

// The marks above bars.
const (
	degradedMark = "†"
	partialMark  = "‡"
)

// Options of a figure.
type Options struct {
	Phase  record.Phase // record.Steady when empty; analysis.CreateBoot is the other one that makes sense
	Layers bool         // the steady state's host code by what made the host run it, instead
	Timing Timing       // what was timed, instead; empty for what was counted
	Place  record.Place // of the timings; the most telling one of the record when empty
	// Sets draws what was counted, instead, as a picture of sets.
	Sets     Sets
	Workload string // of Combinations; all when empty
}

// Sets names the figures of function sets.
type Sets string

// The figures of function sets.
const (
	Combinations Sets = "sharing"    // which variants reach the same functions
	Subsystems   Sets = "subsystems" // functions by the part of the kernel in which they are
)

// Timing names the figures of timings.
type Timing string

// The figures of timings.
const (
	Throughput Timing = "throughput" // bars relative to the reference
	Latency    Timing = "latency"    // over percentiles
	StartUp    Timing = "startup"    // bars
	Memory     Timing = "memory"     // bars
	TradeOff   Timing = "trade-off"  // the profile against the throughput
)

// Timings lists them.
func Timings() []Timing { return []Timing{Throughput, Latency, StartUp, Memory, TradeOff} }

// ErrNothing says that a record has nothing for the figure.
var ErrNothing = errors.New("nothing to draw")

// figure is a figure, laid out.
type figure struct {
	title         string
	panels        []*plot.Plot // of one size, in rows
	columns       int
	paint         func(draw.Canvas) // draws the data where they are no panels
	body          vg.Length         // height of what paint draws
	legend        [][]item
	caption       []string
	width, height vg.Length
}

const (
	margin      = 12
	titleSize   = 14
	captionSize = 8.5
	dataHeight  = 330 // with the axes' labels
	axisRoom    = 70  // left of the data: ticks and label
	panelHeight = 250 // of one of several, likewise
	panelGap    = 14
)

// newFigure lays a figure out. Its width follows from the number of bars.
func newFigure(r *analysis.Report, o Options) (*figure, error) {
	switch {
	case o.Timing != "":
		return newTiming(r, o)
	case o.Sets == Combinations:
		return newUpset(r, o)
	case o.Sets == Subsystems:
		return newHeat(r)
	case o.Layers:
		return newLayers(r), nil
	}
	if o.Phase == "" {
		o.Phase = record.Steady
	}
	data := makeBars(r, o.Phase)
	workloads := r.Run.Plan.Workloads
	f := &figure{title: "Unique host-kernel functions, " + phaseName(o.Phase)}
	f.width = max(540, axisRoom+2*margin+vg.Length(len(workloads))*data.groupWidth())
	f.explain(legendItems(r.Run.Plan.Variants), len(r.Run.Plan.Variants), caption(r, data))
	p := newPlot(data, "unique kernel functions (median)")
	p.NominalX(workloads...)
	p.X.Tick.Label = alignedLike(p.X.Tick.Label, words(10.5, ink))
	p.X.Tick.Length, p.X.Tick.LineStyle.Width, p.X.LineStyle.Width = 6, 0, 0
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = data.DataRange()
	f.panels = []*plot.Plot{p}
	return f, nil
}

// newLayers is the figure of host code per layer.
func newLayers(r *analysis.Report) *figure {
	data := makeStacks(r)
	f := &figure{title: "Host code per layer, steady state"}
	f.width = max(540, axisRoom+2*margin+data.width())
	f.explain(data.legend(), 0, r.Conditions()+". Each part is what its layer adds to those below it: means over the repetitions.")
	p := newPlot(data, "unique kernel functions (mean)")
	p.X.Tick.Marker = data.ticks()
	p.X.Tick.Label = words(8.5, ink)
	p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/4, draw.XRight, draw.YTop
	p.X.Tick.Length, p.X.Tick.LineStyle.Width, p.X.LineStyle.Width = 3, 0, 0
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = data.DataRange()
	f.panels = []*plot.Plot{p}
	return f
}

// explain gives a figure its legend, of which a row begins at the entry named, and
// its caption, and with them its height.
func (f *figure) explain(items []item, row int, caption string) {
	f.legend = legendRows(items, row, f.width-2*margin)
	f.caption = wrap(words(captionSize, muted), caption, f.width-2*margin)
	f.height = margin + titleSize + 8 + vg.Length(len(f.legend))*legendRow + 6 + f.dataHeight() + vg.Length(len(f.caption))*captionSize*1.35 + margin
}

// rows is how many rows of panels there are: one until columns are set.
func (f *figure) rows() int {
	if f.columns == 0 {
		return 1
	}
	return (len(f.panels) + f.columns - 1) / f.columns
}

// dataHeight is that of all panels.
func (f *figure) dataHeight() vg.Length {
	if f.paint != nil {
		return f.body
	}
	if f.rows() == 1 {
		return dataHeight
	}
	return vg.Length(f.rows())*(panelHeight+panelGap) - panelGap
}

// drawPanels draws the panels into a canvas, their axes aligned.
func (f *figure) drawPanels(c draw.Canvas) {
	switch {
	case f.paint != nil:
		f.paint(c)
		return
	case len(f.panels) == 1:
		f.panels[0].Draw(c)
		return
	}
	tiles := draw.Tiles{Rows: f.rows(), Cols: f.columns, PadX: panelGap, PadY: panelGap}
	grid := make([][]*plot.Plot, tiles.Rows)
	for row := range grid {
		grid[row] = make([]*plot.Plot, tiles.Cols)
		copy(grid[row], f.panels[row*tiles.Cols:min(len(f.panels), (row+1)*tiles.Cols)])
	}
	for row, canvases := range plot.Align(grid, tiles, c) {
		for column, canvas := range canvases {
			if p := grid[row][column]; p != nil {
				p.Draw(canvas)
			}
		}
	}
}

// newPlot is what all figures have in common.
func newPlot(data plot.Plotter, label string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // the whole canvas has its own
	p.Y.Label.Text = label
	p.Y.Label.TextStyle = rotatedLike(p.Y.Label.TextStyle, words(10, ink))
	p.Y.Tick.Marker = ticks{}
	p.Y.Tick.Label = alignedLike(p.Y.Tick.Label, words(9, ink))
	p.X.Padding = 5
	p.Y.LineStyle.Width = 0
	p.Y.Tick.LineStyle.Width = 0
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal = draw.LineStyle{Color: rule, Width: 0.75}
	p.Add(grid, data)
	return p
}

func phaseName(p record.Phase) string {
	if p == record.Steady {
		return "steady state"
	}
	return string(p)
}

// alignedLike gives a style the position of another.
func alignedLike(position, style draw.TextStyle) draw.TextStyle {
	style.XAlign, style.YAlign = position.XAlign, position.YAlign
	return style
}

func rotatedLike(position, style draw.TextStyle) draw.TextStyle {
	style = alignedLike(position, style)
	style.Rotation = position.Rotation
	return style
}

// caption names the conditions of the measurement, and the marks in use.
func caption(r *analysis.Report, data bars) string {
	s := r.Conditions() + ". Numbers: process context in the bar, union with interrupt contexts above it."
	if strings.Contains(data.marks(), degradedMark) {
		s += " " + degradedMark + " degraded: events were lost, the count is a lower bound."
	}
	if strings.Contains(data.marks(), partialMark) {
		s += " " + partialMark + " fewer repetitions than planned have numbers."
	}
	return s
}

// wrap breaks a text into lines of at most the given width.
func wrap(style draw.TextStyle, s string, width vg.Length) (lines []string) {
	line := ""
	for _, word := range strings.Fields(s) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && style.Width(longer) > width {
			lines, longer = append(lines, line), word
		}
		line = longer
	}
	return append(lines, line)
}

// draw draws the figure onto a canvas of its size.
func (f *figure) draw(on vg.CanvasSizer) {
	c := draw.New(on)
	fill(c, c.Rectangle, paper)
	top := c.Max.Y - margin
	title := words(titleSize, ink)
	title.YAlign = draw.YTop
	title.Font.Weight = xfont.WeightBold
	c.FillText(title, vg.Point{X: c.Min.X + margin, Y: top}, f.title)
	top -= titleSize + 8
	drawLegend(c, f.legend, c.Min.X+margin, top)
	top -= vg.Length(len(f.legend))*legendRow + 6
	f.drawPanels(draw.Crop(c, margin, -margin, top-f.dataHeight()-c.Min.Y, top-c.Max.Y))
	style := words(captionSize, muted)
	style.YAlign = draw.YTop
	for i, line := range f.caption {
		c.FillText(style, vg.Point{X: c.Min.X + margin, Y: top - f.dataHeight() - 4 - vg.Length(i)*captionSize*1.35}, line)
	}
}

// PNG writes a figure as PNG, at twice the size of its points for sharp print.
func PNG(w io.Writer, r *analysis.Report, o Options) error {
	f, err := newFigure(r, o)
	if err != nil {
		return fmt.Errorf("write png: %w", err)
	}
	c := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(2*72))
	f.draw(c)
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(w); err != nil {
		return fmt.Errorf("write png: %w", err)
	}
	return nil
}

// SVG writes a figure as SVG.
func SVG(w io.Writer, r *analysis.Report, o Options) error {
	f, err := newFigure(r, o)
	if err != nil {
		return fmt.Errorf("write svg: %w", err)
	}
	svg, err := newSVG(f)
	if err != nil {
		return fmt.Errorf("write svg: %w", err)
	}
	if _, err := io.WriteString(w, svg); err != nil {
		return fmt.Errorf("write svg: %w", err)
	}
	return nil
}
