package scenario

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Budget is one rule of what cells may cost. An empty list means all.
type Budget struct {
	Name      string
	Origin    Origin
	Scenarios []string
	Variants  []string
	Workloads []string
	Phases    []string
	Contexts  []string
	Metrics   []string
	// The limits; at least one is not nil.
	Max         *float64 // of the median
	MaxNew      *int     // functions that the baseline does not have
	MaxSlowdown *float64 // times worse than in the baseline
	Allow       []Allowance
	Warn        bool // level warn: a violation fails nothing
}

// Origin is where in its file something stands.
type Origin struct{ Line, Column int } // from 1

// Allowance is a leave for functions to be new.
type Allowance struct {
	Origin    Origin
	Functions []string // names, or patterns of path.Match
	Reason    string
	Expires   time.Time // last day, at its beginning in UTC
}

// Limits of what a budget may ask for: beyond them a number is a slip.
const (
	maxBudget   = 1e18
	maxNew      = 1_000_000
	maxSlowdown = 1000
)

func (d *decoder) budgets(n *yaml.Node, scenarios []string, known Catalog) (out []Budget) {
	if n = resolve(n); n.Kind != yaml.SequenceNode {
		d.errorf(n, "budgets must be a list, not %s", kind(n))
		return nil
	}
	first := map[string]int{}
	for i, item := range n.Content {
		b := d.budget(item, scenarios, known)
		if b.Name == "" {
			b.Name = fmt.Sprintf("budget %d", i+1)
		}
		if line, twice := first[b.Name]; twice {
			d.errorf(item, "the budget %q stands in line %d already", b.Name, line)
		}
		first[b.Name] = item.Line
		out = append(out, b)
	}
	return out
}

func (d *decoder) budget(n *yaml.Node, scenarios []string, known Catalog) Budget {
	b := Budget{Origin: Origin{n.Line, n.Column}}
	var highest, slowdown float64
	var fresh int
	level := "error"
	given := map[string]*yaml.Node{}
	note := func(key string, read field) field {
		return func(value *yaml.Node) {
			given[key] = value
			read(value)
		}
	}
	before := len(d.errs)
	d.mapping(n, "a budget", map[string]field{
		"name":              d.text(&b.Name, "name"),
		"scenarios":         d.names(&b.Scenarios, "scenario", scenarios),
		"variants":          d.names(&b.Variants, "variant", known.Variants),
		"workloads":         d.names(&b.Workloads, "workload", known.Workloads),
		"phases":            note("phases", d.names(&b.Phases, "phase", known.Phases)),
		"contexts":          note("contexts", d.names(&b.Contexts, "context", known.Contexts)),
		"metrics":           note("metrics", d.names(&b.Metrics, "metric", slices.Concat(known.Metrics, known.Timings))),
		"max":               note("max", d.number(&highest, "max", 0, maxBudget)),
		"max-new-functions": note("max-new-functions", d.integer(&fresh, "max-new-functions", 0, maxNew)),
		"max-slowdown":      note("max-slowdown", d.number(&slowdown, "max-slowdown", 1, maxSlowdown)),
		"allow":             note("allow", func(n *yaml.Node) { b.Allow = d.allowances(n) }),
		"level":             d.oneOf(&level, "level", "error", "warn"),
	})
	if len(d.errs) > before {
		return b
	}
	if given["max"] != nil {
		b.Max = &highest
	}
	if given["max-new-functions"] != nil {
		b.MaxNew = &fresh
	}
	if given["max-slowdown"] != nil {
		b.MaxSlowdown = &slowdown
	}
	b.Warn = level == "warn"
	d.fitting(n, b, given, known)
	return b
}

// fitting says which keys of a budget do not go together.
func (d *decoder) fitting(n *yaml.Node, b Budget, given map[string]*yaml.Node, known Catalog) {
	if b.Max == nil && b.MaxNew == nil && b.MaxSlowdown == nil {
		d.errorf(n, "a budget limits something: max, max-new-functions or max-slowdown is missing")
	}
	if b.MaxNew == nil && given["allow"] != nil {
		d.errorf(given["allow"], "allow is of functions that are new: max-new-functions is missing")
	}
	timings := 0
	for _, m := range b.Metrics {
		timed := slices.Contains(known.Timings, m)
		if timed {
			timings++
		}
		switch at := given["metrics"]; {
		case b.Max != nil && slices.Contains(known.Higher, m):
			d.errorf(at, "of %s more is better: max-slowdown limits it, max cannot", m)
		case b.MaxSlowdown != nil && !timed:
			d.errorf(at, "max-slowdown is of timings (%s), not of %s", strings.Join(known.Timings, ", "), m)
		case b.MaxNew != nil && m != "unique-functions":
			d.errorf(at, "max-new-functions is of unique-functions, not of %s", m)
		}
	}
	onlyTimed := timings > 0 && timings == len(b.Metrics) || b.MaxSlowdown != nil && b.Max == nil && b.MaxNew == nil
	for _, key := range []string{"phases", "contexts"} {
		if given[key] != nil && onlyTimed {
			d.errorf(given[key], "%s are of what is counted; timings have none", key)
		}
	}
}

func (d *decoder) allowances(n *yaml.Node) (out []Allowance) {
	if n = resolve(n); n.Kind != yaml.SequenceNode {
		d.errorf(n, "allow must be a list, not %s", kind(n))
		return nil
	}
	for _, item := range n.Content {
		a := Allowance{Origin: Origin{item.Line, item.Column}}
		before := len(d.errs)
		d.mapping(item, "an allowance", map[string]field{
			"functions": d.patterns(&a.Functions),
			"reason":    d.text(&a.Reason, "reason"),
			"expires":   d.date(&a.Expires, "expires"),
		})
		if len(d.errs) == before {
			for _, missing := range a.missing() {
				d.errorf(item, "an allowance names no %s", missing)
			}
		}
		out = append(out, a)
	}
	return out
}

func (a Allowance) missing() (what []string) {
	if len(a.Functions) == 0 {
		what = append(what, "functions")
	}
	if a.Reason == "" {
		what = append(what, "reason")
	}
	if a.Expires.IsZero() {
		what = append(what, "expires, a date such as 2027-06-30")
	}
	return what
}

// patterns reads a list of functions' names, or of patterns for them.
func (d *decoder) patterns(into *[]string) field {
	return func(n *yaml.Node) {
		before := len(d.errs)
		d.texts(into, "functions")(n)
		if len(d.errs) > before {
			return
		}
		for i, pattern := range *into {
			at := resolve(n).Content[i]
			if _, err := path.Match(pattern, ""); err != nil {
				d.errorf(at, "%q is no pattern: %v", pattern, err)
			} else if pattern == "" || pattern == "*" {
				d.errorf(at, "%q would allow every function or none", pattern)
			}
		}
	}
}

// date reads a day such as 2027-06-30.
func (d *decoder) date(into *time.Time, what string) field {
	return func(n *yaml.Node) {
		n = resolve(n)
		day, err := time.Parse(time.DateOnly, n.Value)
		if n.Kind != yaml.ScalarNode || err != nil {
			d.errorf(n, "%s must be a date such as 2027-06-30, not %s", what, kind(n))
			return
		}
		*into = day
	}
}
