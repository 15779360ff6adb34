package analysis

import (
	"fmt"
	"path"
	"slices"
	"time"

	"hapscope/record"
)

// Budget is one rule of what cells may cost. Fields of the selection that are empty mean
// all, but where it is said.
type Budget struct {
	Name      string
	Where     Origin
	Scenarios []string
	Variants  []string
	Workloads []string
	Phases    []record.Phase   // all that were observed of a cell
	Contexts  []record.Context // empty is process
	Metrics   []Metric         // empty is unique-functions for Max, all timings for MaxSlowdown
	// Max is the most that the median of a cell may be.
	Max *float64
	// MaxNew is how many functions a cell may run that it did not in the baseline.
	MaxNew *int
	// MaxSlowdown is how many times worse than in the baseline a timing may be.
	MaxSlowdown *float64
	Allow       []Allowance
	Warn        bool // a violation is said and does not fail the check
}

// Origin is where in a file something stands.
type Origin struct {
	File         string
	Line, Column int // from 1
}

// String gives the form that editors know.
func (o Origin) String() string { return fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Column) }

// Allowance is a leave for functions to be new, with an end.
type Allowance struct {
	Where     Origin
	Functions []string // names as reports write them, or patterns of path.Match
	Reason    string
	Expires   time.Time // the last day, in UTC
}

// Expired reports whether the allowance is over on a day.
func (a Allowance) Expired(today time.Time) bool { return !today.Before(a.Expires.AddDate(0, 0, 1)) }

// covers reports whether a function may be new. A plain symbol is meant in any module.
func (a Allowance) covers(s Seen) bool {
	for _, pattern := range a.Functions {
		for _, name := range []string{s.Name, s.Function.Name(), s.Symbol} {
			if ok, err := path.Match(pattern, name); name == pattern || ok && err == nil {
				return true
			}
		}
	}
	return false
}

// NeedsBaseline reports whether the rule compares with another record.
func (b *Budget) NeedsBaseline() bool { return b.MaxNew != nil || b.MaxSlowdown != nil }

// Applies reports whether the rule is for records of a scenario.
func (b *Budget) Applies(scenario string) bool { return selects(b.Scenarios, scenario) }

func (b *Budget) selects(c record.Cell) bool {
	return selects(b.Variants, c.Variant) && selects(b.Workloads, c.Workload)
}

func selects[T comparable](list []T, one T) bool {
	return len(list) == 0 || slices.Contains(list, one)
}

// contexts are those that the rule is about.
func (b *Budget) contexts() []record.Context {
	if len(b.Contexts) == 0 {
		return []record.Context{record.InProcess}
	}
	return b.Contexts
}

// split gives the rule's metrics that are counted and those that are timed.
func (b *Budget) split() (counted, timed []Metric) {
	for _, m := range b.Metrics {
		if slices.Contains(TimingMetrics(), m) {
			timed = append(timed, m)
		} else {
			counted = append(counted, m)
		}
	}
	if len(b.Metrics) == 0 {
		counted, timed = []Metric{UniqueFunctions}, TimingMetrics()
	}
	return counted, timed
}

// Verdict is what a check says of one number.
type Verdict string

// The verdicts. Only Pass is one.
const (
	Pass      Verdict = "pass"
	Violated  Verdict = "violated"
	Undecided Verdict = "undecided" // there is no number that can be trusted, or too few of them
)

// Limit names what of a rule was looked at.
type Limit string

// The limits.
const (
	LimitMax       Limit = "max"
	LimitNew       Limit = "max-new-functions"
	LimitSlowdown  Limit = "max-slowdown"
	LimitAllowance Limit = "allow"  // an allowance has expired
	LimitRecord    Limit = "record" // the record itself is no ground for a verdict
)

// Finding is what a rule says of one number of one cell.
type Finding struct {
	Rule    *Budget // nil where it is about the whole record
	Where   Origin  // of the rule or of its allowance
	Limit   Limit
	Cell    *record.Cell // nil where it is about all
	Key     Key          // of what was looked at; the place of a timing stands for its context
	Verdict Verdict
	Warn    bool
	Value   *float64 // the number, nil where there is none
	Most    float64  // that it may be
	Text    string   // what is the matter, in one sentence without a stop
	// Functions are those that made the number too large.
	Functions []Seen
}

// Fails reports whether the finding alone fails a check.
func (f Finding) Fails() bool { return f.Verdict != Pass && !f.Warn }

// Name is how a rule is called in reports.
func (f Finding) Name() string {
	if f.Rule == nil {
		return string(LimitRecord)
	}
	return f.Rule.Name
}

// Sentence says what is the matter with which number.
func (f Finding) Sentence() string {
	if s := f.Subject(); s != "" {
		return s + ": " + f.Text
	}
	return f.Text
}

// Level is error or warning.
func (f Finding) Level() string {
	if f.Warn {
		return "warning"
	}
	return "error"
}

// Check is a record held to rules.
type Check struct {
	Against   string // which baseline, in words; empty where there is none
	Findings  []Finding
	Elsewhere []string // rules that are for other scenarios
}

// Failed reports whether anything fails the check.
func (c *Check) Failed() bool { return slices.ContainsFunc(c.Findings, Finding.Fails) }

// Count returns how many findings have a verdict, errors and warnings apart.
func (c *Check) Count(v Verdict, warn bool) (n int) {
	for _, f := range c.Findings {
		if f.Verdict == v && f.Warn == warn {
			n++
		}
	}
	return n
}

// Headline says in one sentence how it went.
func (c *Check) Headline() string {
	if len(c.Findings) == 0 {
		return "Nothing was checked: no rule is for this record."
	}
	failed := c.Count(Violated, false) + c.Count(Undecided, false)
	warned := c.Count(Violated, true) + c.Count(Undecided, true)
	s := fmt.Sprintf("passed: all of %s hold", count(len(c.Findings), "limit"))
	if failed > 0 {
		s = fmt.Sprintf("failed: of %s, %d violated and %d without a number that can be trusted", count(len(c.Findings), "limit"), c.Count(Violated, false), c.Count(Undecided, false))
	} else if warned > 0 {
		s = fmt.Sprintf("passed with %s: of %s, the others hold", count(warned, "warning"), count(len(c.Findings), "limit"))
	}
	if failed > 0 && warned > 0 {
		s += fmt.Sprintf(", and %s", count(warned, "warning"))
	}
	if c.Against != "" {
		s += "; compared with " + c.Against
	}
	return "The check " + s + "."
}
