package markdown_test

import (
	"bytes"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports/internal/checked"
	"hapscope/reports/markdown"
)

func write(t *testing.T, rec *record.Record) string {
	t.Helper()
	var b bytes.Buffer
	if err := markdown.Write(&b, analysis.New(rec)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	golden.Compare(t, "report.md", []byte(write(t, testrecord.WithTimings())))
}

func TestCheckGolden(t *testing.T) {
	var b bytes.Buffer
	if err := markdown.Write(&b, checked.Report(t)); err != nil {
		t.Fatal(err)
	}
	head, _, _ := bytes.Cut(b.Bytes(), []byte("\n## Unique host-kernel functions")) // report.md has the rest
	golden.Compare(t, "checked.md", append(head, '\n'))
}

// TestHostile makes sure that names of a record stay names.
func TestHostile(t *testing.T) {
	rec := testrecord.Hostile()
	var check bytes.Buffer
	if err := markdown.Write(&check, checked.Hostile(t)); err != nil {
		t.Fatal(err)
	}
	page := write(t, rec) + check.String()
	for _, wrong := range []string{"<script", " [x](http"} {
		if strings.Contains(page, wrong) {
			t.Errorf("the report holds %q", wrong)
		}
	}
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "| ../../x") && strings.Count(strings.ReplaceAll(line, "\\|", ""), "|") != 2+len(rec.Run.Plan.Workloads) && !strings.Contains(line, "%") {
			t.Errorf("a row of another number of cells: %s", line)
		}
	}
}
