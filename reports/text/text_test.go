package text_test

import (
	"bytes"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/golden"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports/internal/checked"
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

func TestTimings(t *testing.T) {
	var b bytes.Buffer
	if err := text.Write(&b, analysis.New(testrecord.WithPlaces()), text.Options{}); err != nil {
		t.Fatal(err)
	}
	tables, rest, found := strings.Cut(b.String()[strings.Index(b.String(), "Timed native"):], "\nPublished beside ours\n")
	golden.Compare(t, "timings.txt", []byte(tables))
	if !found || !strings.Contains(rest, "the K8s China talk, 2018-07") {
		t.Errorf("nothing published: %s", rest)
	}
	if native, _, _ := strings.Cut(b.String()[strings.Index(b.String(), "Timed native"):], "Timed emulated"); strings.Contains(native, "gvisor-systrap") {
		t.Error("an emulated timing is in the native tables")
	}
}

func TestOnlyTimings(t *testing.T) {
	var b bytes.Buffer
	if err := text.Write(&b, analysis.New(testrecord.OnlyTimings()), text.Options{}); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "Unique host-kernel functions") || strings.Contains(s, "Nothing was measured") || !strings.Contains(s, "Of 20 timed cells") {
		t.Error(s)
	}
}

func TestComparison(t *testing.T) {
	rec := testrecord.WithTimings()
	for i := range rec.Timings {
		if l := rec.Timings[i].Throughput; l != nil && rec.Timings[i].Variant == "crun" {
			l.Requests /= 2
		}
	}
	for i := range rec.Results {
		if p := rec.Results[i].Phase(record.Steady); p != nil && rec.Results[i].Variant == "runc" {
			last := len(rec.Tables[testrecord.Kernel]) - 1
			p.Functions[record.InProcess] = append(p.Functions[record.InProcess], record.Hit{Function: last, Count: 1})
		}
	}
	var b bytes.Buffer
	c, err := analysis.Compare(analysis.New(testrecord.WithTimings()), analysis.New(rec), analysis.CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := text.Comparison(&b, c, text.Options{}); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "comparison.txt", b.Bytes())
}

func TestCheck(t *testing.T) {
	var b bytes.Buffer
	r := checked.Report(t)
	if err := text.Check(&b, r.Check, text.Options{}); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "check.txt", b.Bytes())
	var whole bytes.Buffer
	if err := text.Write(&whole, r, text.Options{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(whole.String(), b.String()) {
		t.Error("the report does not have the check that was made")
	}
}

func TestExplain(t *testing.T) {
	rec := testrecord.WithTimings()
	r := analysis.New(rec)
	all, err := analysis.Explain(rec, r, "futex_init")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := text.Explain(&b, all, text.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, cell := range []record.Cell{{Variant: "gvisor-systrap", Workload: "redis-get"}, {Variant: "gvisor-kvm", Workload: "redis-set"}} {
		b.WriteString("\n")
		if err := text.ExplainCell(&b, analysis.ExplainCell(rec, r, cell), text.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	golden.Compare(t, "explain.txt", b.Bytes())
}
