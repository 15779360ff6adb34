package cli

import (
	"github.com/spf13/cobra"

	"hapscope/reports/text"
)

func checkCommand(a *app) *cobra.Command {
	var scenarios string
	var outputs []string
	var asJSON bool
	var o gateOptions
	c := &cobra.Command{
		Use:   "check DIR",
		Short: "hold a record to the budgets of scenarios.yaml",
		Long: `Hold a stored record to the budgets of scenarios.yaml: greatest medians, functions that
a baseline does not have, timings that are slower than the baseline's (docs/gate.md).
A timing fails only where the difference is significant and large, a set of functions
only where it differs by more than the cell's own repetitions do. A cell that is
missing, failed, skipped or degraded never passes. A baseline of another kernel, place
or load is refused unless that is asked for.

Exit codes: 0 every limit holds (or what does not is of level warn), 4 a limit is
violated or cannot be decided, 2 the budgets, the baseline or the record are not valid
or cannot be compared.`,
		Example: `  hapscope baseline save main runs/last
  hapscope check runs/last --baseline main
  hapscope check runs/last --baseline main -o junit=check.xml -o sarif=check.sarif -o github=$GITHUB_STEP_SUMMARY`,
		Args: exactly(1),
		RunE: func(_ *cobra.Command, args []string) error {
			targets, err := parseOutputs(outputs)
			if err != nil {
				return err
			}
			g, err := a.newGate(scenarios, o)
			if err != nil {
				return err
			}
			_, r, err := a.study(args[0], "")
			if err != nil {
				return err
			}
			if err := g.judge(r); err != nil {
				return err
			}
			switch {
			case asJSON:
				err = a.printJSON(checkJSON(r.Check))
			case len(targets) == 0:
				err = text.Check(a.text(), r.Check, text.Options{})
			}
			if err != nil {
				return err
			}
			if err := a.render(r, targets); err != nil {
				return err
			}
			return violation(r.Check)
		},
	}
	f := c.Flags()
	f.StringVar(&scenarios, "scenarios", "", "file with the budgets (default ./scenarios.yaml, else the built-in one)")
	f.StringArrayVarP(&outputs, "output", "o", nil, "`FORMAT[=PATH]` of a report with the check's verdicts, instead of them alone; may be given several times")
	f.BoolVar(&asJSON, "json", false, "print the verdicts as JSON")
	o.add(f)
	return c
}
