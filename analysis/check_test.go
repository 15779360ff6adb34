package analysis_test

import (
	"strings"
	"testing"
	"time"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func number[T any](v T) *T { return &v }

// check holds a record to one rule and returns its only finding, or fails.
func check(t *testing.T, rec, baseline *record.Record, b analysis.Budget) []analysis.Finding {
	t.Helper()
	o := analysis.CheckOptions{Today: today}
	if baseline != nil {
		o.Baseline, o.Against = analysis.New(baseline), "a baseline"
	}
	c, err := analysis.CheckBudgets(analysis.New(rec), []analysis.Budget{b}, o)
	if err != nil {
		t.Fatal(err)
	}
	return c.Findings
}

// Each rule fails where it is broken, and passes beside that.
func TestCheckCounts(t *testing.T) {
	same, grown := []string{"abc", "abc", "abc", "abc"}, []string{"abcde", "abcde", "abcde", "abcde"}
	expires := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		record []string
		rule   analysis.Budget
		want   analysis.Verdict
		says   string
	}{
		{"at most", same, analysis.Budget{Max: number(3.)}, analysis.Pass, "3 functions (median of 4), at most 3"},
		{"too many", same, analysis.Budget{Max: number(2.)}, analysis.Violated, "more than 2"},
		{"a metric that was not measured", same, analysis.Budget{Max: number(2.), Metrics: []analysis.Metric{analysis.VMExits}}, analysis.Undecided, "not measured"},
		{"a phase that was not observed", same, analysis.Budget{Max: number(2.), Phases: []record.Phase{record.Boot}}, analysis.Undecided, "not measured"},
		{"nothing new", same, analysis.Budget{MaxNew: number(0)}, analysis.Pass, "0 new functions"},
		{"two new, two may be", grown, analysis.Budget{MaxNew: number(2)}, analysis.Pass, "2 new functions, at most 2"},
		{"two new, one may be", grown, analysis.Budget{MaxNew: number(1)}, analysis.Violated, "2 new functions, more than 1, each in at least 4 of 4 repetitions"},
		{"one of the two is allowed", grown, analysis.Budget{MaxNew: number(1), Allow: []analysis.Allowance{{Functions: []string{"d"}, Reason: "r", Expires: expires}}}, analysis.Pass, "1 new function, at most 1; 1 more are allowed"},
		{"both are, by a pattern", grown, analysis.Budget{MaxNew: number(0), Allow: []analysis.Allowance{{Functions: []string{"[de]"}, Reason: "r", Expires: expires}}}, analysis.Pass, "2 more are allowed"},
		{"new now and then", []string{"abc", "abcd", "abcd", "abcd"}, analysis.Budget{MaxNew: number(0)}, analysis.Pass, "0 new"},
		{"too few repetitions", []string{"abcd", "abcd"}, analysis.Budget{MaxNew: number(0)}, analysis.Undecided, "2 repetitions against 4 of the baseline cannot tell new functions from those that come now and then, in 1 comparison at once: 4 would do"},
		{"selects nothing", same, analysis.Budget{Max: number(3.), Variants: []string{"crun"}}, analysis.Undecided, "selects nothing"},
	} {
		got := check(t, counting(test.record...), counting(same...), test.rule)
		if len(got) != 1 || got[0].Verdict != test.want || !strings.Contains(got[0].Text, test.says) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

// What cannot be trusted is no pass, of this record nor of the baseline.
func TestCheckUnsound(t *testing.T) {
	good := func() *record.Record { return counting("abc", "abc", "abc") }
	for name, spoil := range map[string]func(*record.Record){
		"missing": func(r *record.Record) { r.Results = r.Results[:2] },
		"failed": func(r *record.Record) {
			r.Results[1] = record.Result{Variant: "runc", Workload: "redis-set", Repetition: 2, Status: record.Failed, Reason: "it died"}
		},
		"skipped": func(r *record.Record) {
			for i := range r.Results {
				r.Results[i] = record.Result{Variant: "runc", Workload: "redis-set", Repetition: i + 1, Status: record.Skipped, Reason: "no runc"}
			}
		},
		"degraded":   func(r *record.Record) { r.Results[0].Status, r.Results[0].Reason = record.Degraded, "7 events lost" },
		"no results": func(r *record.Record) { r.Results = nil },
	} {
		spoilt := good()
		spoil(spoilt)
		for i, findings := range [][]analysis.Finding{
			check(t, spoilt, nil, analysis.Budget{Max: number(100.)}),
			check(t, spoilt, good(), analysis.Budget{MaxNew: number(100)}),
			check(t, good(), spoilt, analysis.Budget{MaxNew: number(100)}),
		} {
			if len(findings) != 1 || findings[0].Verdict != analysis.Undecided || !findings[0].Fails() {
				t.Errorf("%s, %d: %+v", name, i, findings)
			}
		}
	}
	booted := counting("abc", "abc", "abc", "abc")
	for i := range booted.Results {
		boot := booted.Results[i].Phases[0]
		boot.Phase = record.Boot
		booted.Results[i].Phases = append(booted.Results[i].Phases, boot)
	}
	if got := check(t, counting("abc", "abc", "abc", "abc"), booted, analysis.Budget{MaxNew: number(0)}); len(got) != 2 || got[0].Key.Phase != record.Boot || got[0].Verdict != analysis.Undecided || got[1].Verdict != analysis.Pass {
		t.Errorf("a phase that only the baseline has: %+v", got)
	}
	rec := good()
	rec.Run.SelfTest = []record.SelfTest{{Checks: []record.Check{{Name: "counted", Passed: false}}}}
	if got := check(t, rec, nil, analysis.Budget{Max: number(100.)}); len(got) != 2 || got[0].Limit != analysis.LimitRecord || !got[0].Fails() {
		t.Errorf("a failed self-test: %+v", got)
	}
}

func TestExpiredAllowance(t *testing.T) {
	rule := analysis.Budget{MaxNew: number(0), Allow: []analysis.Allowance{{Functions: []string{"d", "e"}, Reason: "until the fix", Expires: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}}}
	got := check(t, counting("abcde", "abcde", "abcde", "abcde"), counting("abc", "abc", "abc", "abc"), rule)
	if len(got) != 2 || got[0].Limit != analysis.LimitAllowance || got[0].Verdict != analysis.Violated ||
		!strings.Contains(got[0].Text, "expired on 2026-11-21") || !strings.Contains(got[0].Text, "until the fix") || got[1].Verdict != analysis.Violated {
		t.Errorf("%+v", got)
	}
	rule.Warn = true
	for _, f := range check(t, counting("abcde", "abcde", "abcde", "abcde"), counting("abc", "abc", "abc", "abc"), rule) {
		if f.Fails() {
			t.Errorf("of level warn, and yet: %+v", f)
		}
	}
}

// timed is the record with timings, all of them faster or slower.
func timed(t *testing.T, repetitions int, factor float64) *record.Record {
	t.Helper()
	rec := testrecord.OnlyTimings()
	rec.Run.Plan.Variants, rec.Run.Plan.Workloads = []string{"runc"}, []string{"redis-set"}
	var kept []record.Timing
	var steps []record.Step
	for _, tm := range rec.Timings {
		if tm.Variant != "runc" || tm.Workload != "redis-set" || tm.Repetition > repetitions {
			continue
		}
		startUp := *tm.StartUp * factor
		tm.StartUp = &startUp
		load := *tm.Throughput
		load.Seconds *= factor
		tm.Throughput = &load
		kept = append(kept, tm)
		steps = append(steps, record.Step{Cell: tm.Cell(), Repetition: tm.Repetition})
	}
	rec.Timings, rec.Run.Plan.Timing.Steps = kept, steps
	return rec
}

func TestCheckTimings(t *testing.T) {
	startUp, rate := []analysis.Metric{analysis.StartUp}, []analysis.Metric{analysis.ReqPerSec}
	for _, test := range []struct {
		name           string
		record, before *record.Record
		rule           analysis.Budget
		want           analysis.Verdict
		says           string
	}{
		{"as before", timed(t, 10, 1), timed(t, 10, 1), analysis.Budget{MaxSlowdown: number(1.1), Metrics: startUp}, analysis.Pass, "at most 1.1"},
		{"a tenth slower, a fifth may be", timed(t, 10, 1.1), timed(t, 10, 1), analysis.Budget{MaxSlowdown: number(1.2), Metrics: startUp}, analysis.Pass, "at most 1.2"},
		{"a third slower", timed(t, 10, 1.3), timed(t, 10, 1), analysis.Budget{MaxSlowdown: number(1.2), Metrics: startUp}, analysis.Violated, "more than 1.2"},
		{"fewer requests", timed(t, 10, 1.3), timed(t, 10, 1), analysis.Budget{MaxSlowdown: number(1.2), Metrics: rate}, analysis.Violated, "1.30 times as bad"},
		{"more requests", timed(t, 10, .7), timed(t, 10, 1), analysis.Budget{MaxSlowdown: number(1.2), Metrics: rate}, analysis.Pass, "0.70 times as bad"},
		{"too few to tell", timed(t, 2, 3), timed(t, 2, 1), analysis.Budget{MaxSlowdown: number(1.2), Metrics: startUp}, analysis.Undecided, "too few"},
		{"within a limit", timed(t, 10, 1), nil, analysis.Budget{Max: number(1.), Metrics: startUp}, analysis.Pass, "at most 1"},
		{"beyond a limit", timed(t, 10, 1), nil, analysis.Budget{Max: number(.1), Metrics: startUp}, analysis.Violated, "more than 100"},
		{"a limit, and too few", timed(t, 3, 1), nil, analysis.Budget{Max: number(1.), Metrics: startUp}, analysis.Undecided, "too few"},
	} {
		got := check(t, test.record, test.before, test.rule)
		if len(got) != 1 || got[0].Verdict != test.want || !strings.Contains(got[0].Text, test.says) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	// A tenth slower on average, and the values overlap: large, and not significant.
	noisy := timed(t, 10, 1)
	for i := range noisy.Timings {
		slow := *noisy.Timings[i].StartUp * (1 + .6*float64(i%2))
		noisy.Timings[i].StartUp = &slow
	}
	if got := check(t, noisy, timed(t, 10, 1.01), analysis.Budget{MaxSlowdown: number(1.1), Metrics: startUp}); len(got) != 1 || got[0].Verdict != analysis.Pass {
		t.Errorf("large, and not significant: %+v", got)
	}
	degraded := timed(t, 10, 1)
	degraded.Timings[3].Status, degraded.Timings[3].Reason = record.Degraded, "the generator was late"
	if got := check(t, degraded, timed(t, 10, 1), analysis.Budget{MaxSlowdown: number(2.), Metrics: startUp}); len(got) != 1 || got[0].Verdict != analysis.Undecided {
		t.Errorf("a degraded timing: %+v", got)
	}
}

func TestCheckScenarios(t *testing.T) {
	rec := counting("abc", "abc", "abc")
	c, err := analysis.CheckBudgets(analysis.New(rec), []analysis.Budget{{Name: "other", Scenarios: []string{"full"}, MaxNew: number(0)}}, analysis.CheckOptions{Today: today})
	if err != nil || len(c.Findings) != 0 || len(c.Elsewhere) != 1 || c.Failed() {
		t.Errorf("a rule of another scenario: %+v, %v", c, err)
	}
	if _, err := analysis.CheckBudgets(analysis.New(rec), []analysis.Budget{{Name: "needs one", MaxNew: number(0)}}, analysis.CheckOptions{Today: today}); err == nil || !strings.Contains(err.Error(), "needs one compares with a baseline") {
		t.Errorf("no baseline: %v", err)
	}
}
