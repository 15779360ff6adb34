package reports_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/reports"
)

func TestEveryFormat(t *testing.T) {
	r := analysis.New(testrecord.New())
	for _, name := range reports.Formats() {
		var b bytes.Buffer
		if err := reports.Write(name, &b, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if b.Len() == 0 {
			t.Errorf("%s: nothing was written", name)
		}
	}
	for _, name := range []string{"text", "html", "png", "svg", "csv", "functions"} {
		if !slices.Contains(reports.Formats(), name) {
			t.Errorf("no format %s", name)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	err := reports.Write("docx", io.Discard, analysis.New(testrecord.New()))
	if err == nil || !strings.Contains(err.Error(), "text, html, png") {
		t.Errorf("got %v", err)
	}
}

// TestFullDisk makes sure that no format takes a failed write for a report.
func TestFullDisk(t *testing.T) {
	r := analysis.New(testrecord.New())
	for _, name := range reports.Formats() {
		if err := reports.Write(name, full{}, r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
