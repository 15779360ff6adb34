// Package reports names the formats in which a report can be written. Each is a
// sub-package that knows nothing of the others; adding one is a folder and a
// line in the table below.
package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"hapscope/analysis"
	"hapscope/reports/csv"
	"hapscope/reports/functions"
	"hapscope/reports/html"
	"hapscope/reports/plot"
	"hapscope/reports/text"
)

type format struct {
	name  string
	write func(w io.Writer, r *analysis.Report) error
}

func formats() []format {
	return []format{
		{"text", func(w io.Writer, r *analysis.Report) error { return text.Write(w, r, text.Options{}) }},
		{"html", func(w io.Writer, r *analysis.Report) error { return html.Write(w, r, html.Options{}) }},
		{"png", func(w io.Writer, r *analysis.Report) error { return plot.PNG(w, r, plot.Options{}) }},
		{"svg", func(w io.Writer, r *analysis.Report) error { return plot.SVG(w, r, plot.Options{}) }},
		{"boot-png", func(w io.Writer, r *analysis.Report) error {
			return plot.PNG(w, r, plot.Options{Phase: analysis.CreateBoot})
		}},
		{"boot-svg", func(w io.Writer, r *analysis.Report) error {
			return plot.SVG(w, r, plot.Options{Phase: analysis.CreateBoot})
		}},
		{"layers-png", func(w io.Writer, r *analysis.Report) error { return plot.PNG(w, r, plot.Options{Layers: true}) }},
		{"layers-svg", func(w io.Writer, r *analysis.Report) error { return plot.SVG(w, r, plot.Options{Layers: true}) }},
		{"csv", csv.Write},
		{"functions", func(w io.Writer, r *analysis.Report) error { return functions.Write(w, r, functions.Options{}) }},
	}
}

// Formats lists the names that Write takes.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Write writes the report in a format, with that format's default options.
func Write(name string, w io.Writer, r *analysis.Report) error {
	i := slices.IndexFunc(formats(), func(f format) bool { return f.name == name })
	if i < 0 {
		return fmt.Errorf("write report: format %q is none of %s", name, strings.Join(Formats(), ", "))
	}
	return formats()[i].write(w, r)
}
