package cli

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hapscope/driver"
	"hapscope/driver/scenario"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// TestReport renders records from their files, as users do.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	rec := testrecord.WithPlaces() // a part of it, for every line is synced to the disk
	rec.Results = slices.DeleteFunc(rec.Results, func(r record.Result) bool { return r.Workload != "redis-set" || r.Repetition > 1 })
	rec.Timings = slices.DeleteFunc(rec.Timings, func(t record.Timing) bool { return t.Workload != "redis-set" || t.Repetition > 6 })
	testrecord.WriteRecord(t, run, rec)
	testrecord.Validate(t, run)
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"report", run}, 0, "Throughput in saturation (native)"},
		{[]string{"report", run, "-o", "benchfmt", "-o", "trade-off-svg=" + filepath.Join(dir, "off.svg")}, 0, "BenchmarkCell/variant=runc/workload=redis-set 1 "},
		{[]string{"report", run, "--reference", "gvisor-systrap"}, 0, "and the ratio to gvisor-systrap;"},
		{[]string{"report", run, "--reference", "runk"}, exitUsage, `--reference: "runk" is no variant of this record, which has runc, crun, gvisor-systrap`},
		{[]string{"report", run, "--before", run}, 0, "3  3 (100 %)"},
		{[]string{"report", run, "--before", filepath.Join(dir, "none")}, exitUsage, "hint: give the directory"},
		{[]string{"report", run, "--before", run, "-o", "csv"}, exitUsage, "before"},
	} {
		var out bytes.Buffer
		if code := Main(test.args, nil, strings.NewReader(""), &out, &out); code != test.code || !strings.Contains(out.String(), test.want) {
			t.Errorf("%v: code %d, want %d with %q:\n%.2000s", test.args, code, test.code, test.want, out.String())
		}
	}
}

// TestRunReference: what a run is asked to compare with must be measured; what its scenario
// names need not be in a part of it.
func TestRunReference(t *testing.T) {
	for _, test := range []struct {
		scenario string // its reference
		flags    runOptions
		want     string // of the plan
		err      string
	}{
		{},
		{scenario: "crun", want: "crun"},
		{scenario: "crun", flags: runOptions{variants: []string{"runc"}}, want: "crun"},
		{scenario: "crun", flags: runOptions{reference: "runc"}, want: "runc"},
		{flags: runOptions{variants: []string{"runc"}, reference: "crun"}, err: `--reference "crun" is none of the variants to be measured, which are runc`},
		{scenario: "docker-runc", err: `the reference "docker-runc" is none of the variants of scenario quick, which are runc, crun`},
	} {
		s := scenario.Scenario{Name: "quick", Variants: []string{"runc", "crun"}, Workloads: []string{"redis-set"}, Repetitions: 1, Reference: test.scenario}
		err := narrow(&s, test.flags)
		switch {
		case test.err == "" && (err != nil || driver.NewPlan(s).Reference != test.want):
			t.Errorf("%q with %+v: %v, compared with %q, want %q", test.scenario, test.flags, err, s.Reference, test.want)
		case test.err != "" && (err == nil || err.Error() != test.err || exitCode(err) != exitUsage):
			t.Errorf("%q with %+v: %v, want %s", test.scenario, test.flags, err, test.err)
		}
	}
}
