package plot

import (
	"bytes"
	"fmt"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svgCanvas is gonum's, which does not say how wide a text is. A machine that has none of
// the fonts that are asked for shows another one, as wide as that happens to be, and what
// was laid out to fit is cut off. With its length given, a text keeps its place in any font.
type svgCanvas struct {
	*vgsvg.Canvas
	widths []vg.Length // of the texts, in their order
}

// FillString implements vg.Canvas.
func (c *svgCanvas) FillString(face font.Face, at vg.Point, s string) {
	if s == "" {
		return
	}
	c.widths = append(c.widths, face.Width(s))
	c.Canvas.FillString(face, at, s)
}

// newSVG draws a figure as SVG.
func newSVG(f *figure) (string, error) {
	c := &svgCanvas{Canvas: vgsvg.New(f.width, f.height)}
	f.draw(c)
	var drawn bytes.Buffer
	if _, err := c.WriteTo(&drawn); err != nil {
		return "", err
	}
	// gonum escapes what names hold, so that no text has a "<text " in it.
	const begin = "<text "
	parts := strings.Split(drawn.String(), begin)
	if len(parts) != len(c.widths)+1 {
		return "", fmt.Errorf("%d texts were drawn, and %d are there", len(c.widths), len(parts)-1)
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for i, part := range parts[1:] {
		fmt.Fprintf(&b, `%stextLength="%.2f" lengthAdjust="spacingAndGlyphs" %s`, begin, c.widths[i].Points(), part)
	}
	// Arial and Helvetica have the same widths as Liberation Sans, by design of the latter.
	svg := strings.ReplaceAll(b.String(), "font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
	return strings.Map(inXML, svg), nil
}

// inXML keeps the characters that XML may hold (XML 1.0, 2.2): names of a record are
// escaped, but may have others, with which the figure would be none.
func inXML(c rune) rune {
	if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xfffe || c == 0xffff {
		return '\ufffd'
	}
	return c
}
