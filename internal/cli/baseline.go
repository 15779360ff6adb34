package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hapscope/reports/text"
)

func baselineCommand(a *app) *cobra.Command {
	var store string
	c := &cobra.Command{
		Use:   "baseline",
		Short: "keep records to compare with: save, list, show",
		Long: `A baseline is a named copy of a record: the run with its provenance and every
repetition; of the table of functions only those that were seen. It is a run
directory that every verb reads.`,
	}
	c.PersistentFlags().StringVar(&store, "dir", "", "`DIR` with the baselines (default: "+storeName+" in the user's data directory)")
	c.AddCommand(baselineSave(a, &store), baselineList(a, &store), baselineShow(a, &store))
	return c
}

func baselineSave(a *app, store *string) *cobra.Command {
	var why string
	var replace bool
	c := &cobra.Command{
		Use:     "save NAME DIR",
		Short:   "keep a copy of a record under a name",
		Example: `  hapscope baseline save main runs/last --why "before the switch to systrap"`,
		Args:    exactly(2),
		RunE: func(_ *cobra.Command, args []string) error {
			rec, err := a.readRecord(args[1])
			if err != nil {
				return err
			}
			if len(rec.Results)+len(rec.Timings) == 0 {
				return usageError("%s holds no repetition, so nothing could be compared with it", args[1])
			}
			dir, err := saveBaseline(*store, args[0], why, rec, replace)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.text(), "%s\n", dir)
			if counts := a.analyse(rec).Coverage(); !strings.HasPrefix(counts, "All") && !strings.HasPrefix(counts, "The only") {
				a.log.Warn("a cell that is not ok in the baseline passes no comparison with it", "coverage", counts)
			}
			return nil
		},
	}
	c.Flags().StringVar(&why, "why", "", "a sentence to keep with it")
	c.Flags().BoolVar(&replace, "replace", false, "put it in the place of one of the name")
	return c
}

func baselineList(a *app, store *string) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list the saved baselines",
		Args:  exactly(0),
		RunE: func(*cobra.Command, []string) error {
			dir, err := storeDir(*store)
			if err != nil {
				return err
			}
			names, err := baselineNames(dir)
			if err != nil {
				return err
			}
			if len(names) == 0 {
				fmt.Fprintf(a.progress(), "no baselines in %s\n", dir)
			}
			for _, name := range names {
				b, err := readBaseline(filepath.Join(dir, name))
				if err != nil {
					fmt.Fprintf(a.text(), "%-20s cannot be read: %v\n", name, err)
					continue
				}
				fmt.Fprintf(a.text(), "%-20s saved %s  run %s  %s\n", name, b.Saved.Format(time.DateOnly), b.Run, b.Why)
			}
			return nil
		},
	}
}

func baselineShow(a *app, store *string) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "print where a baseline came from, and its report",
		Args:  exactly(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, _, err := findBaseline(*store, args[0])
			if err != nil {
				return err
			}
			b, err := readBaseline(dir)
			if err != nil {
				return &codedError{code: exitUsage, err: fmt.Errorf("show baseline %s: %w", args[0], err), hint: "`hapscope report` shows a run directory"}
			}
			rec, r, err := a.study(dir, "")
			if err != nil {
				return err
			}
			fmt.Fprintf(a.text(), "baseline %s, saved %s by hapscope %s\nrun      %s, %s, by hapscope %s\nin       %s\n", b.Name, b.Saved.Format(time.RFC3339), b.Hapscope.Version,
				rec.Run.ID, rec.Run.Created.Format(time.RFC3339), rec.Run.Hapscope.Version, dir)
			if m := rec.Run.Machine; m != nil {
				fmt.Fprintf(a.text(), "kernel   Linux %s, build %s\n", m.Release, m.BuildID)
			}
			if b.Why != "" {
				fmt.Fprintf(a.text(), "why      %s\n", b.Why)
			}
			for _, left := range b.Left {
				fmt.Fprintf(a.text(), "without  %s\n", left)
			}
			fmt.Fprintln(a.text())
			return text.Write(a.text(), r, text.Options{})
		},
	}
}
