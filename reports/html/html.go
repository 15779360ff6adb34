package html

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"

	"hapscope/analysis"
)

//go:embed templates
var templates embed.FS

// Options of Write.
type Options struct {
	Title string // of the page; "hapscope · scenario" when empty
}

// Write writes the page.
func Write(w io.Writer, r *analysis.Report, o Options) error {
	page, err := newPage(r, o)
	if err != nil {
		return fmt.Errorf("write html: %w", err)
	}
	t, err := template.New("page.html").Funcs(functions()).Funcs(timingFunctions()).ParseFS(templates, "templates/*")
	if err != nil {
		return fmt.Errorf("write html: %w", err)
	}
	var b bytes.Buffer // a page that broke off half way must not look like one
	if err := t.Execute(&b, page); err != nil {
		return fmt.Errorf("write html: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write html: %w", err)
	}
	return nil
}
