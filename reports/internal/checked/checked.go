// Package checked makes reports with a check's verdicts for tests of formats. Nothing
// outside tests may import it.
package checked

import (
	"testing"
	"time"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// Report is that of a record held to rules of every kind, some of which it breaks.
func Report(t testing.TB) *analysis.Report {
	t.Helper()
	return check(t, testrecord.WithTimings(), testrecord.WithTimings())
}

// Hostile is the same of a record that names a variant ../../x and functions <script>,
// and whose errors look like commands.
func Hostile(t testing.TB) *analysis.Report {
	t.Helper()
	return check(t, Spoilt(), Spoilt())
}

// Spoilt is a record with names and reasons that are made to be taken for something else.
func Spoilt() *record.Record {
	rec := testrecord.WithTimings()
	testrecord.Rename(rec, map[string]string{"crun": "../../x"})
	for i := range rec.Results {
		if rec.Results[i].Status == record.Failed {
			rec.Results[i].Reason = "<script>alert(1)</script>\x1b[31m\r\n::error::all is well | ]]> &amp;"
		}
	}
	functions := rec.Tables[testrecord.Kernel]
	for i := range functions {
		if functions[i].Offset%0x100 == 0 {
			functions[i].Symbol = "<script>" + functions[i].Symbol
		}
	}
	return rec
}

// check holds a record to rules, with an earlier one in which runc ran nothing of the
// second half of the functions.
func check(t testing.TB, rec, before *record.Record) *analysis.Report {
	t.Helper()
	half := len(before.Tables[testrecord.Kernel]) / 2
	for i := range before.Results {
		for j := range before.Results[i].Phases {
			p := &before.Results[i].Phases[j]
			if before.Results[i].Variant != "runc" || p.Phase != record.Steady {
				continue
			}
			var kept []record.Hit
			for _, h := range p.Functions[record.InProcess] {
				if h.Function < half {
					kept = append(kept, h)
				}
			}
			p.Functions[record.InProcess] = kept
		}
	}
	for i := range before.Timings {
		if load := before.Timings[i].Throughput; load != nil && before.Timings[i].Variant == "runc" {
			faster := *load
			faster.Seconds /= 2
			before.Timings[i].Throughput = &faster
		}
	}
	again := *before // twice the repetitions, so that the few of the record are enough
	again.Run.ID = "again"
	before, err := record.Merge([]*record.Record{before, &again})
	if err != nil {
		t.Fatal(err)
	}
	at := func(line int) analysis.Origin {
		return analysis.Origin{File: "scenarios.yaml", Line: line, Column: 5}
	}
	most, none, slower := 520., 0, 1.2
	rules := []analysis.Budget{
		{Name: "profile", Where: at(3), Variants: []string{"runc", "gvisor-systrap"}, Phases: []record.Phase{record.Steady}, Max: &most},
		{Name: "nothing new", Where: at(7), Variants: []string{"runc", "gvisor-kvm"}, Workloads: []string{"redis-set"}, Phases: []record.Phase{record.Steady}, MaxNew: &none,
			Allow: []analysis.Allowance{{Where: at(11), Functions: []string{"vfs_*"}, Reason: "until the next kernel", Expires: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)}}},
		{Name: "throughput", Where: at(15), Variants: []string{"runc"}, Metrics: []analysis.Metric{analysis.ReqPerSec}, MaxSlowdown: &slower, Warn: true},
	}
	r := analysis.New(rec)
	c, err := analysis.CheckBudgets(r, rules, analysis.CheckOptions{Baseline: analysis.New(before), Against: "the baseline main", Today: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	r.Check = c
	return r
}
