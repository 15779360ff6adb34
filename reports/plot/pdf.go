package plot

import (
	"bytes"
	"fmt"
	"io"

	"codeberg.org/go-pdf/fpdf"

	"hapscope/analysis"
)

// PDF writes every figure for which the record has numbers, a page of its own size
// each, for print and for LaTeX. Text in it can be searched and copied.
func PDF(w io.Writer, r *analysis.Report) error {
	figures := Of(r)
	if len(figures) == 0 {
		return fmt.Errorf("write pdf: %w", ErrNothing)
	}
	doc := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", Size: fpdf.SizeType{Wd: 1, Ht: 1}})
	// The same record gives the same file: neither the clock nor the order of a map.
	doc.SetCatalogSort(true)
	doc.SetCreationDate(r.Run.Created.UTC())
	doc.SetModificationDate(r.Run.Created.UTC())
	doc.SetTitle("hapscope · "+r.Run.Plan.Scenario+" · "+r.Run.ID, true)
	doc.SetCreator("hapscope "+r.Run.Hapscope.Version, true)
	doc.SetMargins(0, 0, 0)
	doc.SetAutoPageBreak(false, 0)
	fonts := map[string]bool{}
	for _, kind := range figures {
		f, err := newFigure(r, kind.Options)
		if err != nil {
			return fmt.Errorf("write pdf: %s: %w", kind.Name, err)
		}
		f.draw(newPage(doc, fonts, f))
	}
	var b bytes.Buffer
	if err := doc.Output(&b); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	return nil
}
