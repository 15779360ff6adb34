package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// judging is known, with what budgets may name.
func judging() Catalog {
	c := known
	c.Phases, c.Contexts = []string{"boot", "steady"}, []string{"process", "softirq"}
	c.Metrics, c.Timings, c.Higher = []string{"unique-functions", "vm-exits"}, []string{"req/s", "startup-sec"}, []string{"req/s"}
	return c
}

const withScenarios = "scenarios: {quick: {variants: [runc], workloads: [redis-set]}}\n"

func TestBudgets(t *testing.T) {
	f, err := Parse("s.yaml", []byte(withScenarios+`budgets:
  - name: profile
    scenarios: [quick]
    variants: [runc, crun]
    phases: [steady]
    max: 600.5
  - max-new-functions: 0
    workloads: [all]
    contexts: [softirq]
    level: warn
    allow:
      - functions: [tcp_sendmsg, "io_*"]
        reason: the new load generator
        expires: 2027-06-30
  - metrics: [req/s, startup-sec]
    max-slowdown: 1.25
`), judging())
	if err != nil {
		t.Fatal(err)
	}
	most, none, slower := 600.5, 0, 1.25
	want := []Budget{
		{Name: "profile", Origin: Origin{3, 5}, Scenarios: []string{"quick"}, Variants: []string{"runc", "crun"}, Phases: []string{"steady"}, Max: &most},
		{Name: "budget 2", Origin: Origin{8, 5}, Workloads: known.Workloads, Contexts: []string{"softirq"}, MaxNew: &none, Warn: true,
			Allow: []Allowance{{Origin{13, 9}, []string{"tcp_sendmsg", "io_*"}, "the new load generator", time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)}}},
		{Name: "budget 3", Origin: Origin{16, 5}, Metrics: []string{"req/s", "startup-sec"}, MaxSlowdown: &slower},
	}
	if d := cmp.Diff(want, f.Budgets); d != "" {
		t.Error(d)
	}
}

func TestBudgetErrors(t *testing.T) {
	for budget, want := range map[string]string{
		"{}":                                          "2:12: a budget limits something: max, max-new-functions or max-slowdown is missing",
		"{max: many}":                                 "2:18: max must be a number, not \"many\"",
		"{max: -1}":                                   "2:18: max must be a number from 0 to",
		"{maxi: 1}":                                   `2:13: unknown key "maxi" in a budget, did you mean "max"?`,
		"{max: 1, variants: [rnuc]}":                  `2:32: unknown variant "rnuc", did you mean "runc"?`,
		"{max: 1, scenarios: [quikc]}":                `2:33: unknown scenario "quikc", did you mean "quick"?`,
		"{max: 1, level: fatal}":                      "2:28: unknown level \"fatal\"",
		"{max: 1, metrics: [req/s]}":                  "2:30: of req/s more is better: max-slowdown limits it, max cannot",
		"{max-slowdown: 0.5}":                         "2:27: max-slowdown must be a number from 1 to 1000, not 0.5",
		"{max-slowdown: 2, metrics: [vm-exits]}":      "max-slowdown is of timings (req/s, startup-sec), not of vm-exits",
		"{max-slowdown: 2, phases: [steady]}":         "2:38: phases are of what is counted; timings have none",
		"{max-new-functions: 1.5}":                    "max-new-functions must be a whole number",
		"{max-new-functions: 1, metrics: [vm-exits]}": "max-new-functions is of unique-functions, not of vm-exits",
		"{max: 1, allow: []}":                         "2:28: allow is of functions that are new: max-new-functions is missing",
		"{max-new-functions: 1, allow: [{functions: [a], reason: b}]}":                         "2:43: an allowance names no expires, a date such as 2027-06-30",
		"{max-new-functions: 1, allow: [{functions: [a], expires: 2027-01-01}]}":               "an allowance names no reason",
		"{max-new-functions: 1, allow: [{functions: [a], reason: b, expires: soon}]}":          `expires must be a date such as 2027-06-30, not "soon"`,
		"{max-new-functions: 1, allow: [{functions: ['[a'], reason: b, expires: 2027-01-01}]}": `"[a" is no pattern: syntax error in pattern`,
		"{max-new-functions: 1, allow: [{functions: ['*'], reason: b, expires: 2027-01-01}]}":  `"*" would allow every function or none`,
		"{max-new-functions: 1, allow: [{function: [a]}]}":                                     `unknown key "function" in an allowance, did you mean "functions"?`,
		"{name: a, max: 1}, {name: a, max: 2}":                                                 `2:31: the budget "a" stands in line 2 already`,
	} {
		_, err := Parse("s.yaml", []byte(withScenarios+"budgets: [ "+budget+" ]\n"), judging())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "s.yaml:2:") {
			t.Errorf("%s: %v, want %s", budget, err, want)
		}
	}
	if _, err := Parse("s.yaml", []byte(withScenarios+"budgets: {max: 1}\n"), judging()); err == nil || !strings.Contains(err.Error(), "s.yaml:2:10: budgets must be a list, not a mapping") {
		t.Errorf("no list: %v", err)
	}
}
