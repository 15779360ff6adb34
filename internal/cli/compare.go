package cli

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hapscope/analysis"
	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/reports/text"
)

// acrossOptions are the flags that let records be compared which differ in more than
// what is to be compared.
type acrossOptions struct{ kernels, places, plans bool }

func (o *acrossOptions) add(f *pflag.FlagSet) {
	f.BoolVar(&o.kernels, "across-kernels", false, "compare functions of two builds of the kernel, by their names")
	f.BoolVar(&o.places, "across-places", false, "compare what was measured on two machines, or natively and in the lab")
	f.BoolVar(&o.plans, "across-plans", false, "compare what was measured under another load, or by another witness")
}

func (o acrossOptions) kinds() (out []analysis.DifferenceKind) {
	for kind, asked := range map[analysis.DifferenceKind]bool{
		analysis.OtherKernel: o.kernels, analysis.OtherPlace: o.places, analysis.OtherPlan: o.plans,
	} {
		if asked {
			out = append(out, kind)
		}
	}
	return out
}

// incomparable gives the refusal to compare two records its exit code, and names the
// flags that overrule it.
func incomparable(err error) error {
	var differ *analysis.IncomparableError
	if !errors.As(err, &differ) {
		return err
	}
	var flags []string
	for _, kind := range differ.Kinds() {
		flags = append(flags, "--across-"+string(kind)+"s")
	}
	return &codedError{code: exitUsage, err: err, hint: strings.Join(flags, " ") + " compares them all the same"}
}

func compareCommand(a *app) *cobra.Command {
	var phases, contexts []string
	var across acrossOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "say what a record has gained and lost beside an earlier one",
		Long: `Compare two records: for each cell and phase the functions that one of them ran and
the other did not, beyond what the repetitions of a cell differ by, and the medians
of unique functions; for each timing the ratio, its interval and whether it is
significant (docs/gate.md says how). Records of two kernels, places or loads are refused
unless that is asked for.`,
		Example: `  hapscope compare runs/20261121-190000-quick runs/last
  hapscope compare runs/before runs/after --phases steady --contexts process,softirq --json`,
		Args: exactly(2),
		RunE: func(_ *cobra.Command, args []string) error {
			o, err := compareOptions(phases, contexts, across)
			if err != nil {
				return err
			}
			return a.compareRecords(args[0], args[1], o, asJSON)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&phases, "phases", nil, "only these phases (default: all)")
	f.StringSliceVar(&contexts, "contexts", nil, "these contexts (default: process)")
	f.BoolVar(&asJSON, "json", false, "print JSON, with every function")
	across.add(f)
	return c
}

func compareOptions(phases, contexts []string, across acrossOptions) (o analysis.CompareOptions, err error) {
	o.Across = across.kinds()
	for _, name := range phases {
		if !slices.Contains(analysis.Phases(), record.Phase(name)) {
			return o, usageError("unknown phase %q%s", name, scenario.Suggest(name, texts(analysis.Phases())))
		}
		o.Phases = append(o.Phases, record.Phase(name))
	}
	for _, name := range contexts {
		if !slices.Contains(analysis.Contexts(), record.Context(name)) {
			return o, usageError("unknown context %q%s", name, scenario.Suggest(name, texts(analysis.Contexts())))
		}
		o.Contexts = append(o.Contexts, record.Context(name))
	}
	return o, nil
}

// compareRecords compares two run directories.
func (a *app) compareRecords(before, after string, o analysis.CompareOptions, asJSON bool) error {
	_, old, err := a.study(before, "")
	if err != nil {
		return err
	}
	_, r, err := a.study(after, "")
	if err != nil {
		return err
	}
	return a.printComparison(old, r, o, asJSON)
}

func (a *app) printComparison(before, after *analysis.Report, o analysis.CompareOptions, asJSON bool) error {
	c, err := analysis.Compare(before, after, o)
	if err != nil {
		return incomparable(err)
	}
	if asJSON {
		return a.printJSON(comparisonJSON(c))
	}
	return text.Comparison(a.text(), c, text.Options{})
}

func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
