package functions_test

import (
	"bytes"
	"errors"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports/functions"
)

func TestGolden(t *testing.T) {
	var b bytes.Buffer
	o := functions.Options{Selection: analysis.Selection{Variant: "runc", Workload: "redis-set", Phase: record.Steady, Context: record.InProcess}}
	if err := functions.Write(&b, analysis.New(testrecord.New()), o); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "runc.txt", b.Bytes())
}

func TestNothingIsAnError(t *testing.T) {
	o := functions.Options{Selection: analysis.Selection{Variant: "gvisor-kvm"}}
	var b bytes.Buffer
	if err := functions.Write(&b, analysis.New(testrecord.New()), o); !errors.Is(err, functions.ErrNothing) {
		t.Errorf("got %v, %q", err, b.String())
	}
}
