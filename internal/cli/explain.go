package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hapscope/analysis"
	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/reports/text"
)

func explainCommand(a *app) *cobra.Command {
	var cell string
	c := &cobra.Command{
		Use:   "explain FUNCTION DIR | explain --cell VARIANT/WORKLOAD DIR",
		Short: "say who reaches a kernel function, when and how often; or all about a cell",
		Long: `Say of a kernel function which cells ran it, in which phases and contexts, in how many
repetitions and how often, and where it is in the kernel's source as far as that is
known. FUNCTION is written as reports write it: tcp_sendmsg,
handle_tx_kick [vhost_net], or symbol@0xoffset where a name is several functions';
a name without offset or module means all of that symbol. With --cell: what a cell
is, what it ran that no other did, its phases, timings and troubles.`,
		Example: `  hapscope explain tcp_sendmsg runs/last
  hapscope explain --cell gvisor-systrap/redis-set runs/last`,
		Args: func(c *cobra.Command, args []string) error {
			if cell != "" {
				return exactly(1)(c, args)
			}
			return exactly(2)(c, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			rec, err := a.readRecord(args[len(args)-1])
			if err != nil {
				return err
			}
			if cell != "" {
				return a.explainCell(rec, cell)
			}
			return a.explainFunction(rec, args[0])
		},
	}
	c.Flags().StringVar(&cell, "cell", "", "`VARIANT/WORKLOAD` to explain")
	return c
}

func (a *app) explainFunction(rec *record.Record, name string) error {
	all, err := analysis.Explain(rec, a.analyse(rec), name)
	var unknown *analysis.UnknownFunctionError
	if errors.As(err, &unknown) {
		return usageError("%w%s", err, scenario.Suggest(name, unknown.Near))
	}
	if err != nil {
		return err
	}
	return text.Explain(a.text(), all, text.Options{})
}

func (a *app) explainCell(rec *record.Record, name string) error {
	variant, workload, ok := strings.Cut(name, "/")
	if !ok {
		return usageError("--cell takes VARIANT/WORKLOAD, such as runc/redis-set, not %q", name)
	}
	r := a.analyse(rec)
	var known []string
	for _, c := range r.Cells {
		known = append(known, c.Variant+"/"+c.Workload)
	}
	for _, t := range r.Timed {
		known = append(known, t.Variant+"/"+t.Workload)
	}
	e := analysis.ExplainCell(rec, r, record.Cell{Variant: variant, Workload: workload})
	if e == nil {
		return usageError("%s", fmt.Sprintf("the record plans no cell %q%s", name, scenario.Suggest(name, known)))
	}
	return text.ExplainCell(a.text(), e, text.Options{})
}
