package github_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/record"
	"hapscope/reports/github"
	"hapscope/reports/internal/checked"
)

func TestGolden(t *testing.T) {
	var summary, lines bytes.Buffer
	r := checked.Report(t)
	if err := github.Write(&summary, r); err != nil {
		t.Fatal(err)
	}
	if err := github.Annotate(&lines, r); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "summary.md", summary.Bytes())
	golden.Compare(t, "annotations.txt", lines.Bytes())
}

func TestHostile(t *testing.T) {
	var summary, lines bytes.Buffer
	r := checked.Hostile(t)
	if err := github.Write(&summary, r); err != nil {
		t.Fatal(err)
	}
	if err := github.Annotate(&lines, r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(summary.String(), "<script") {
		t.Error("a function became an element of the page")
	}
	for _, line := range strings.Split(strings.TrimSpace(lines.String()), "\n") {
		if !strings.HasPrefix(line, "::error ") && !strings.HasPrefix(line, "::warning ") {
			t.Errorf("a line that nobody meant: %q", line)
		}
	}
}

// However much there is to say, GitHub takes it.
func TestLimits(t *testing.T) {
	r := checked.Report(t)
	for i := range 5000 {
		f := analysis.Finding{Rule: &analysis.Budget{Name: "many"}, Cell: &record.Cell{Variant: fmt.Sprint("v", i), Workload: "w"}, Limit: analysis.LimitNew, Verdict: analysis.Violated, Text: strings.Repeat("long ", 3000)}
		r.Check.Findings = append(r.Check.Findings, f)
	}
	var summary, lines bytes.Buffer
	if err := github.Write(&summary, r); err != nil {
		t.Fatal(err)
	}
	if err := github.Annotate(&lines, r); err != nil {
		t.Fatal(err)
	}
	if n := summary.Len(); n >= 1<<20 || !strings.HasSuffix(summary.String(), "has everything.\n") {
		t.Errorf("%d bytes, ending in %q", n, summary.String()[max(0, n-80):])
	}
	if n := strings.Count(lines.String(), "\n"); n != 10 {
		t.Errorf("%d annotations", n)
	}
}
