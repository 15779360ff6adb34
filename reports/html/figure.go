package html

import (
	"bytes"
	"fmt"
	"html/template"
	"regexp"
	"strings"

	"hapscope/analysis"
	"hapscope/record"
	"hapscope/reports/plot"
)

// figure is a drawing within the page.
type figure struct {
	ID          string
	Title       string
	Description string // what the drawing shows, in words
	ViewBox     string
	Narrowest   int // pixels below which the drawing is scrolled rather than shrunk
	Widest      int // pixels
	Drawing     template.HTML
}

// opening is the head of the SVG that package plot makes.
var opening = regexp.MustCompile(`(?s)^.*?<svg [^>]*viewBox="([^"]*)"[^>]*>(.*)</svg>\s*$`)

// newFigure draws a phase.
func newFigure(r *analysis.Report, id string, phase record.Phase, title string) (*figure, error) {
	return drawFigure(r, id, title, describe(r, phase), plot.Options{Phase: phase})
}

// drawFigure draws any figure. The neutral colours of package plot are exchanged for
// variables of the style sheet, so that the drawing follows light and dark.
func drawFigure(r *analysis.Report, id, title, description string, o plot.Options) (*figure, error) {
	var b bytes.Buffer
	if err := plot.SVG(&b, r, o); err != nil {
		return nil, err
	}
	parts := opening.FindStringSubmatch(b.String())
	if parts == nil {
		return nil, fmt.Errorf("figure %s: not the SVG that was expected", id)
	}
	themed := strings.NewReplacer(
		":#000000", ":var(--ink)",
		":#FFFFFF", ":var(--page)",
		":#595959", ":var(--muted)",
		":#DCDCDC", ":var(--rule)",
		"font-family:Liberation Sans,Arial,Helvetica,sans-serif;font-variant:normal;font-weight:normal;font-style:normal;", "",
		"font-family:Liberation Sans,Arial,Helvetica,sans-serif;font-variant:normal;", "",
	).Replace(parts[2])
	var width, height float64
	if _, err := fmt.Sscanf(parts[1], "0 0 %g %g", &width, &height); err != nil {
		return nil, fmt.Errorf("figure %s: size %q: %w", id, parts[1], err)
	}
	return &figure{ID: id, Title: title, Description: description, ViewBox: parts[1], Drawing: template.HTML(themed),
		Narrowest: int(0.85 * width), Widest: int(1.3 * width)}, nil
}

// describe says in words what the bars show, for those who cannot see them.
func describe(r *analysis.Report, phase record.Phase) string {
	var b strings.Builder
	for _, c := range r.Cells {
		process, any := c.Summary(phase, record.InProcess, analysis.UniqueFunctions), c.Summary(phase, analysis.Any, analysis.UniqueFunctions)
		if process == nil {
			fmt.Fprintf(&b, "%s: %s. ", c.Cell, c.Status)
			continue
		}
		fmt.Fprintf(&b, "%s: %g in process context, %g with interrupts. ", c.Cell, process.Median, any.Median)
	}
	return strings.TrimSpace(b.String())
}

func describeLayers(all []analysis.Layers) string {
	var b strings.Builder
	for _, l := range all {
		fmt.Fprintf(&b, "%s: %.0f in all", l.Cell, l.Mean)
		for _, layer := range l.Layers {
			fmt.Fprintf(&b, ", %s %.0f adding %.0f", analysis.LayerName(layer.Context), layer.Own, layer.Adds)
		}
		b.WriteString(". ")
	}
	return strings.TrimSpace(b.String())
}
