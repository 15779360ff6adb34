package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hapscope/reports"
)

func listCommand(a *app) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "list",
		Short: "list the scenarios, variants, workloads and report formats",
		Args:  exactly(0),
		RunE: func(*cobra.Command, []string) error {
			f, err := a.loadScenarios(file)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, "scenarios")
			for _, name := range f.Names() {
				s := f.Scenarios[name]
				cells := len(s.Variants) * len(s.Workloads)
				fmt.Fprintf(a.stdout, "  %-11s %s\n", name, s.Description)
				if s.Repetitions > 0 {
					fmt.Fprintf(a.stdout, "  %-11s %d variants × %d workloads × %d repetitions = %d; %s, %d requests%s\n", "",
						len(s.Variants), len(s.Workloads), s.Repetitions, cells*s.Repetitions,
						s.Load.Mode, s.Load.Requests, rateText(s.Load.Rate, s.Load.Mode))
				}
				if t := s.Timing; t != nil {
					fmt.Fprintf(a.stdout, "  %-11s %d variants × %d workloads × %d timed repetitions = %d; %v at most, %v at %g/s\n", "",
						len(s.Variants), len(s.Workloads), t.Repetitions, cells*t.Repetitions, t.Throughput, t.Latency, t.Rate)
				}
			}
			known := catalog()
			for _, group := range []struct {
				title string
				names []string
			}{
				{"variants", known.Variants}, {"workloads", known.Workloads}, {"report formats", reports.Formats()},
			} {
				fmt.Fprintf(a.stdout, "%s\n  %s\n", group.title, strings.Join(group.names, "\n  "))
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "scenarios", "", "scenarios file (default ./scenarios.yaml, else the built-in one)")
	return c
}

func rateText(rate float64, mode string) string {
	if mode != "paced" {
		return ""
	}
	return fmt.Sprintf(" at %g/s", rate)
}
