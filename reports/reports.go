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
	"hapscope/reports/benchfmt"
	"hapscope/reports/csv"
	"hapscope/reports/functions"
	"hapscope/reports/ghabenchmark"
	"hapscope/reports/github"
	"hapscope/reports/html"
	"hapscope/reports/json"
	"hapscope/reports/junit"
	"hapscope/reports/markdown"
	"hapscope/reports/plot"
	"hapscope/reports/sarif"
	"hapscope/reports/text"
)

type format struct {
	name  string
	write func(w io.Writer, r *analysis.Report) error
}

func formats() []format {
	return append(append([]format{
		{"text", func(w io.Writer, r *analysis.Report) error { return text.Write(w, r, text.Options{}) }},
		{"html", func(w io.Writer, r *analysis.Report) error { return html.Write(w, r, html.Options{}) }},
		{"markdown", markdown.Write},
		{"json", json.Write},
		{"csv", csv.Write},
		{"benchfmt", benchfmt.Write},
		{"functions", func(w io.Writer, r *analysis.Report) error { return functions.Write(w, r, functions.Options{}) }},
		{"junit", junit.Write},
		{"sarif", sarif.Write},
		{"github", github.Write},
		{"gha-benchmark", ghabenchmark.Write},
	}, figures()...), format{"pdf", plot.PDF})
}

// figures are pictures of their own: each as NAME-png and NAME-svg; that of the profile,
// for which one asks most, as png and svg. Those of timings are of the most telling place
// of the record.
func figures() (out []format) {
	for i, f := range plot.Figures() {
		name := f.Name + "-"
		if i == 0 {
			name = ""
		}
		out = append(out,
			format{name + "png", func(w io.Writer, r *analysis.Report) error { return plot.PNG(w, r, f.Options) }},
			format{name + "svg", func(w io.Writer, r *analysis.Report) error { return plot.SVG(w, r, f.Options) }})
	}
	return out
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

// Annotate writes what a format has for standard output besides the report itself:
// nothing, for most.
func Annotate(name string, w io.Writer, r *analysis.Report) error {
	if name == "github" {
		return github.Annotate(w, r)
	}
	return nil
}
