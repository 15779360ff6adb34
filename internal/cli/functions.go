package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hapscope/analysis"
	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/reports/functions"
)

func functionsCommand(a *app) *cobra.Command {
	var variant, workload, phase, context string
	phases, contexts := texts(analysis.Phases()), texts(analysis.Contexts())
	c := &cobra.Command{
		Use:   "functions DIR",
		Short: "print the sorted names of the kernel functions that were entered",
		Long: `Print the names of the kernel functions that were entered in any repetition of
the selection, sorted, one a line: made for diff, comm and grep. What is not
selected is united: without flags, all functions of the whole run.`,
		Example: `  hapscope functions runs/last --variant runc --workload redis-set --phase steady --context process
  diff <(hapscope functions runs/last --variant runc) <(hapscope functions runs/last --variant crun)`,
		Args: exactly(1),
		RunE: func(_ *cobra.Command, args []string) error {
			rec, r, err := a.study(args[0], "")
			if err != nil {
				return err
			}
			for _, check := range []struct {
				what, value string
				valid       []string
			}{
				{"variant", variant, rec.Run.Plan.Variants},
				{"workload", workload, rec.Run.Plan.Workloads},
				{"phase", phase, phases},
				{"context", context, contexts},
			} {
				if check.value != "" && !slices.Contains(check.valid, check.value) {
					return usageError("unknown %s %q in this record%s", check.what, check.value, scenario.Suggest(check.value, check.valid))
				}
			}
			return functions.Write(a.text(), r, functions.Options{Selection: analysis.Selection{
				Variant: variant, Workload: workload, Phase: record.Phase(phase), Context: record.Context(context),
			}})
		},
	}
	c.Flags().StringVar(&variant, "variant", "", "only this variant")
	c.Flags().StringVar(&workload, "workload", "", "only this workload")
	c.Flags().StringVar(&phase, "phase", "", "only this phase: "+strings.Join(phases, ", "))
	c.Flags().StringVar(&context, "context", "", "only this context: "+strings.Join(contexts, ", "))
	return c
}

// texts turns names of a type of their own into plain ones.
func texts[T ~string](names []T) (out []string) {
	for _, n := range names {
		out = append(out, string(n))
	}
	return out
}
