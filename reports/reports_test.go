package reports_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports"
)

func TestEveryFormat(t *testing.T) {
	r := analysis.New(testrecord.WithTimings())
	for _, name := range reports.Formats() {
		var b bytes.Buffer
		if err := reports.Write(name, &b, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if b.Len() == 0 {
			t.Errorf("%s: nothing was written", name)
		}
	}
	for _, name := range []string{"text", "html", "png", "svg", "csv", "functions", "benchfmt", "throughput-png", "trade-off-svg",
		"json", "markdown", "pdf", "sharing-png"} {
		if !slices.Contains(reports.Formats(), name) {
			t.Errorf("no format %s", name)
		}
	}
}

// TestStreamed: a record that is worked out as it is read gives the same reports as one that
// is in memory.
func TestStreamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	testrecord.WriteRecord(t, dir, testrecord.WithMachines())
	whole, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	var g analysis.Gathering
	streamed, err := record.Stream(dir, g.Add)
	if err != nil {
		t.Fatal(err)
	}
	if len(streamed.Results) > 0 || len(whole.Results) == 0 {
		t.Fatalf("%d results were kept, and read at once %d", len(streamed.Results), len(whole.Results))
	}
	asRead, inMemory := g.Report(streamed), analysis.New(whole)
	if n := asRead.Finished(); n != len(whole.Results) {
		t.Errorf("%d repetitions are finished, want %d", n, len(whole.Results))
	}
	for _, name := range []string{"json", "csv", "html"} {
		var a, b bytes.Buffer
		if err := errors.Join(reports.Write(name, &a, asRead), reports.Write(name, &b, inMemory)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	err := reports.Write("docx", io.Discard, analysis.New(testrecord.New()))
	if err == nil || !strings.Contains(err.Error(), "text, html, markdown") {
		t.Errorf("got %v", err)
	}
}

// TestFullDisk makes sure that no format takes a failed write for a report.
func TestFullDisk(t *testing.T) {
	r := analysis.New(testrecord.WithTimings())
	for _, name := range reports.Formats() {
		if err := reports.Write(name, full{}, r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
