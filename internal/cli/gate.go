package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"hapscope/analysis"
	"hapscope/driver/scenario"
	"hapscope/record"
)

// gateOptions are the flags by which a record is held to budgets.
type gateOptions struct {
	baseline string
	store    string
	date     string
	acrossOptions
}

func (o *gateOptions) add(f *pflag.FlagSet) {
	f.StringVar(&o.baseline, "baseline", "", "`NAME|DIR` to compare with: a saved baseline, or a run directory")
	f.StringVar(&o.store, "baselines", "", "`DIR` with the saved baselines (default: "+storeName+" in the user's data directory)")
	f.StringVar(&o.date, "date", "", "the day, such as 2027-06-30, by which allowances expire (default: today, UTC)")
	o.acrossOptions.add(f)
}

// gate is all that a check needs besides the record. It is made before anything is
// measured, so that a mistake shows at once.
type gate struct {
	budgets []analysis.Budget
	options analysis.CheckOptions
}

// newGate reads the budgets of a scenarios file, and the baseline.
func (a *app) newGate(scenarios string, o gateOptions) (*gate, error) {
	file, name, err := a.namedScenarios(scenarios)
	if err != nil {
		return nil, err
	}
	if len(file.Budgets) == 0 {
		return nil, &codedError{code: exitUsage, err: fmt.Errorf("%s has no budgets, so there is nothing to check", name), hint: "docs/gate.md shows some"}
	}
	g := &gate{budgets: budgetsOf(file.Budgets, name)}
	g.options.Across = o.kinds()
	g.options.Today = time.Now().UTC()
	if o.date != "" {
		if g.options.Today, err = time.Parse(time.DateOnly, o.date); err != nil {
			return nil, usageError("--date must be a day such as 2027-06-30, not %q", o.date)
		}
	}
	if o.baseline == "" {
		return g, nil
	}
	dir, what, err := findBaseline(o.store, o.baseline)
	if err != nil {
		return nil, err
	}
	_, r, err := a.study(dir, "")
	if err != nil {
		return nil, err
	}
	g.options.Baseline, g.options.Against = r, what
	return g, nil
}

// suits refuses a gate that could not judge a record of a scenario, whatever it holds.
func (g *gate) suits(scenario string) error {
	applies := false
	for i := range g.budgets {
		b := &g.budgets[i]
		if !b.Applies(scenario) {
			continue
		}
		applies = true
		if b.NeedsBaseline() && g.options.Baseline == nil {
			return &codedError{code: exitUsage, err: fmt.Errorf("%s: the rule %s compares with a baseline, and none is given", b.Where, b.Name),
				hint: "--baseline NAME, which `hapscope baseline save NAME DIR` makes"}
		}
	}
	if !applies {
		return usageError("no budget is for records of the scenario %s, so there is nothing to check", scenario)
	}
	return nil
}

// judge holds a record to the budgets; what it finds becomes part of the report.
func (g *gate) judge(r *analysis.Report) error {
	if err := g.suits(r.Run.Plan.Scenario); err != nil {
		return err
	}
	check, err := analysis.CheckBudgets(r, g.budgets, g.options)
	if err != nil {
		return incomparable(err)
	}
	r.Check = check
	return nil
}

// violation is the error of a failed check, nil of another.
func violation(c *analysis.Check) error {
	if c == nil || !c.Failed() {
		return nil
	}
	return &codedError{code: exitViolation, err: errors.New(c.Headline())}
}

// budgetsOf gives the rules of a file to the half that analyses.
func budgetsOf(rules []scenario.Budget, file string) (out []analysis.Budget) {
	at := func(o scenario.Origin) analysis.Origin {
		return analysis.Origin{File: file, Line: o.Line, Column: o.Column}
	}
	for _, rule := range rules {
		b := analysis.Budget{Name: rule.Name, Where: at(rule.Origin), Scenarios: rule.Scenarios, Variants: rule.Variants, Workloads: rule.Workloads,
			Phases: typed[record.Phase](rule.Phases), Contexts: typed[record.Context](rule.Contexts), Metrics: typed[analysis.Metric](rule.Metrics),
			Max: rule.Max, MaxNew: rule.MaxNew, MaxSlowdown: rule.MaxSlowdown, Warn: rule.Warn}
		for _, a := range rule.Allow {
			b.Allow = append(b.Allow, analysis.Allowance{Where: at(a.Origin), Functions: a.Functions, Reason: a.Reason, Expires: a.Expires})
		}
		out = append(out, b)
	}
	return out
}

// typed is the opposite of texts.
func typed[T ~string](names []string) (out []T) {
	for _, n := range names {
		out = append(out, T(n))
	}
	return out
}
