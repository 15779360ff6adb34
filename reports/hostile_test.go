package reports_test

import (
	"bytes"
	stdcsv "encoding/csv"
	stdjson "encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports"
)

// venom is what someone would add to names who wants a report to do more than to report.
const venom = "\"'><script>alert(1)</script><img src=x onerror=alert(1)> onmouseover='x' {{.}} ]]> --> &lt; `|\x1b[2J\x00\r\n::error::x%0A\n| [a](javascript:alert(1)) =cmd()"

// TestHostileTexts writes records with venom in every text in every format.
func TestHostileTexts(t *testing.T) {
	machines := []string{"html", "text", "markdown", "json", "csv"} // what tells of virtual machines
	for kind, rec := range map[string]*record.Record{"places": testrecord.WithPlaces(), "machines": testrecord.WithMachines()} {
		r := analysis.New(testrecord.Poison(rec, venom))
		for _, format := range reports.Formats() {
			if strings.HasSuffix(format, "png") || format == "pdf" || kind == "machines" && !slices.Contains(machines, format) {
				continue // a picture of text, or no more than of the other record
			}
			t.Run(kind+" "+format, func(t *testing.T) {
				var b bytes.Buffer
				if err := reports.Write(format, &b, r); err != nil {
					t.Fatal(err)
				}
				harmless(t, format, b.String())
				b.Reset()
				if err := reports.Annotate(format, &b, r); err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(b.String()) {
					if !regexp.MustCompile(`^::(error|warning|notice) `).MatchString(line) {
						t.Errorf("a line that nobody meant: %.300q", line)
					}
				}
			})
		}
	}
}

// script is the page's own.
var script = regexp.MustCompile(`(?s)<script>.*?</script>`)

// harmless looks for venom that has its effect.
func harmless(t *testing.T, format, out string) {
	t.Helper()
	var markup []string // texts that are elements, or attributes, where they are not escaped
	switch {
	case format == "html":
		if own := script.FindAllString(out, -1); len(own) != 1 || strings.Contains(own[0], "alert(1)") {
			t.Errorf("%d scripts", len(own))
		}
		out = script.ReplaceAllString(out, "")
		markup = []string{"<script", "<img", " onmouseover='x'", "</script", "ZgotmplZ"}
	case strings.HasSuffix(format, "svg"):
		wellFormed(t, out, "svg", "g", "path", "text", "rect", "title", "desc", "line", "polyline", "polygon", "circle", "defs", "clipPath", "image", "style")
	case format == "junit":
		wellFormed(t, out, "testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out", "system-err", "properties", "property")
	case format == "markdown", format == "github":
		markup = []string{"<script", "<img"}
		if link := regexp.MustCompile(`[^\\]\]\(javascript:`).FindString(out); link != "" {
			t.Error("it holds a link")
		}
	case format == "json", format == "sarif", format == "gha-benchmark":
		if !stdjson.Valid([]byte(out)) {
			t.Error("it is no JSON")
		}
	case format == "csv":
		if _, err := stdcsv.NewReader(strings.NewReader(out)).ReadAll(); err != nil {
			t.Errorf("rows: %v", err)
		}
	case format == "benchfmt", format == "functions":
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "::") || strings.HasPrefix(line, "| [a]") {
				t.Errorf("a name became a line: %.200q", line)
			}
		}
	}
	for _, m := range markup {
		if i := strings.Index(out, m); i >= 0 {
			t.Errorf("it holds %q: %.200q", m, out[max(0, i-80):])
		}
	}
}

// wellFormed reads XML, which has no other elements than these.
func wellFormed(t *testing.T, out string, known ...string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(out)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("it is no XML: %v", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !slices.Contains(known, e.Name.Local) {
			t.Errorf("element %s", e.Name.Local)
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Name.Local, "on") {
				t.Errorf("attribute %s of %s", a.Name.Local, e.Name.Local)
			}
		}
	}
}
