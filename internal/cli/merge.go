package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hapscope/record"
)

func mergeCommand(a *app) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "merge A B … --out DIR",
		Short: "join records of one plan into one",
		Long: `Join the records of shards of a plan, whose cells differ, or of further repetitions
of the same cells, which are numbered on. All must have been made alike: the same
load, window, witness, place, kernel, images and tools. Others are refused, with all
in which they differ. What two records hold of one run goes in once.`,
		Example: `  hapscope run quick --variants runc,crun --out a     # on one machine
  hapscope run quick --variants gvisor-systrap --out b  # on another
  hapscope merge a b --out whole`,
		Args: atLeast(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return usageError("merge needs --out DIR, the run directory to make")
			}
			var records []*record.Record
			for _, dir := range args {
				rec, err := a.readRecord(dir)
				if err != nil {
					return err
				}
				records = append(records, rec)
			}
			merged, err := record.Merge(records)
			if err != nil {
				return usageError("%w", err)
			}
			if err := record.Copy(out, merged); errors.Is(err, record.ErrNotEmpty) {
				return usageError("%w", err)
			} else if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s: %s\n", out, a.analyse(merged).Coverage())
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "run `DIR` to make")
	return c
}
