package plot

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// page is a page of a PDF as a canvas. gonum's own, vgpdf, embeds fonts by the code page
// 1252, so that "≈" or a name of the record in another script would come out as other
// letters; has one size for all pages; and leaves date and order of fonts to chance.
type page struct {
	doc           *fpdf.Fpdf
	fonts         map[string]bool // that doc has
	width, height vg.Length
	now           pen
	saved         []pen
}

// pen is what Push saves.
type pen struct {
	color color.Color
	width vg.Length
	dash  []vg.Length
	phase vg.Length
}

// newPage adds a page of a figure's size, with the origin at the lower left as vg has it.
func newPage(doc *fpdf.Fpdf, fonts map[string]bool, f *figure) *page {
	p := &page{doc: doc, fonts: fonts, width: f.width, height: f.height}
	doc.AddPageFormat("P", fpdf.SizeType{Wd: f.width.Points(), Ht: f.height.Points()})
	doc.Bookmark(f.title, 0, 0)
	vg.Initialize(p)
	return p
}

// Size implements vg.CanvasSizer.
func (p *page) Size() (w, h vg.Length) { return p.width, p.height }

// SetLineWidth implements vg.Canvas.
func (p *page) SetLineWidth(w vg.Length) {
	p.now.width = w
	p.doc.SetLineWidth(w.Points())
}

// SetLineDash implements vg.Canvas.
func (p *page) SetLineDash(dash []vg.Length, phase vg.Length) {
	p.now.dash, p.now.phase = dash, phase
	points := make([]float64, len(dash))
	for i, d := range dash {
		points[i] = d.Points()
	}
	p.doc.SetDashPattern(points, phase.Points())
}

// SetColor implements vg.Canvas.
func (p *page) SetColor(c color.Color) {
	if c == nil {
		c = color.Black
	}
	p.now.color = c
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	p.doc.SetFillColor(int(n.R), int(n.G), int(n.B))
	p.doc.SetDrawColor(int(n.R), int(n.G), int(n.B))
	p.doc.SetTextColor(int(n.R), int(n.G), int(n.B))
	p.doc.SetAlpha(float64(n.A)/0xff, "Normal")
}

// Rotate implements vg.Canvas. fpdf counts y downwards from the top of the page, and
// what it transforms by is about a point in those terms.
func (p *page) Rotate(radians float64) {
	p.doc.TransformRotate(radians*180/math.Pi, 0, p.height.Points())
}

// Translate implements vg.Canvas.
func (p *page) Translate(to vg.Point) { p.doc.TransformTranslate(to.X.Points(), -to.Y.Points()) }

// Scale implements vg.Canvas.
func (p *page) Scale(x, y float64) { p.doc.TransformScale(100*x, 100*y, 0, p.height.Points()) }

// Push implements vg.Canvas.
func (p *page) Push() {
	p.saved = append(p.saved, p.now)
	p.doc.TransformBegin()
}

// Pop implements vg.Canvas. What fpdf remembers of the pen is not what the page has then,
// so it is told again.
func (p *page) Pop() {
	p.doc.TransformEnd()
	last := p.saved[len(p.saved)-1]
	p.saved = p.saved[:len(p.saved)-1]
	p.SetColor(last.color)
	p.SetLineWidth(last.width)
	p.SetLineDash(last.dash, last.phase)
}

// Stroke implements vg.Canvas.
func (p *page) Stroke(path vg.Path) {
	if p.now.width > 0 {
		p.path(path, "D")
	}
}

// Fill implements vg.Canvas.
func (p *page) Fill(path vg.Path) { p.path(path, "F") }

// path draws straight lines, of which all shapes of this package are.
func (p *page) path(path vg.Path, style string) {
	for _, c := range path {
		x, y := c.Pos.X.Points(), (p.height - c.Pos.Y).Points()
		switch c.Type {
		case vg.MoveComp:
			p.doc.MoveTo(x, y)
		case vg.LineComp:
			p.doc.LineTo(x, y)
		case vg.CloseComp:
			p.doc.ClosePath()
		default:
			p.doc.SetErrorf("a curve in a path, which no figure has")
		}
	}
	p.doc.DrawPath(style)
}

// FillString implements vg.Canvas. The font holds what is in Unicode's basic plane.
func (p *page) FillString(face font.Face, at vg.Point, s string) {
	if face.Font.Size == 0 {
		return
	}
	name := face.Name()
	if !p.fonts[name] {
		var ttf bytes.Buffer
		if _, err := face.Face.WriteSourceTo(nil, &ttf); err != nil {
			p.doc.SetError(err)
			return
		}
		p.fonts[name] = true
		p.doc.AddUTF8FontFromBytes(name, "", ttf.Bytes())
	}
	p.doc.SetFont(name, "", face.Font.Size.Points())
	basic := strings.Map(func(r rune) rune {
		if r > 0xffff {
			return '\ufffd'
		}
		return r
	}, s)
	p.doc.Text(at.X.Points(), (p.height - at.Y).Points(), basic)
}

// DrawImage implements vg.Canvas; no figure has one.
func (p *page) DrawImage(vg.Rectangle, image.Image) {
	p.doc.SetErrorf("an image in a drawing, which no figure has")
}
