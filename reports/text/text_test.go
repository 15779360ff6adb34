package text_test

import (
	"bytes"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports/text"
)

func TestGolden(t *testing.T) {
	var b bytes.Buffer
	if err := text.Write(&b, analysis.New(testrecord.New()), text.Options{}); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "report.txt", b.Bytes())
}

func TestColor(t *testing.T) {
	var plain, color bytes.Buffer
	r := analysis.New(testrecord.New())
	if err := text.Write(&plain, r, text.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := text.Write(&color, r, text.Options{Color: true}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") {
		t.Error("escape sequences without being asked for")
	}
	if !strings.Contains(color.String(), "\x1b[31mfailed") {
		t.Error("a failed cell is not red")
	}
}

func TestMachines(t *testing.T) {
	var b bytes.Buffer
	if err := text.Write(&b, analysis.New(testrecord.WithMachines()), text.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"VM exits, steady state", "1234", "Work items of vhost, steady state", "600"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, b.String())
		}
	}
}

func TestNothingMeasured(t *testing.T) {
	rec := testrecord.New()
	rec.Results, rec.Tables, rec.Run.Machine = nil, map[string][]record.Function{}, nil
	var b bytes.Buffer
	if err := text.Write(&b, analysis.New(rec), text.Options{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "Nothing was measured. Of 20 cells: 20 missing.") {
		t.Error(b.String())
	}
}
