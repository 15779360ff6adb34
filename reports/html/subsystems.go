package html

import (
	"fmt"
	"strings"

	"hapscope/analysis"
	"hapscope/reports/plot"
)

// subsystems is the profile by part of the kernel.
type subsystems struct {
	Figure *figure
	Tables []analysis.Subsystems // per workload
}

// newSubsystems returns nil where no sets can be compared.
func newSubsystems(r *analysis.Report) (*subsystems, error) {
	out := &subsystems{}
	for _, w := range r.Run.Plan.Workloads {
		if s := r.SubsystemsOf(w); len(s.Rows) > 0 {
			out.Tables = append(out.Tables, s)
		}
	}
	if len(out.Tables) == 0 {
		return nil, nil
	}
	var err error
	out.Figure, err = drawFigure(r, "subsystems", "Unique host-kernel functions by subsystem, steady state", describeSubsystems(out.Tables), plot.Options{Sets: plot.Subsystems})
	return out, err
}

// describeSubsystems says which parts have the most functions; the tables have them all.
func describeSubsystems(all []analysis.Subsystems) string {
	const said = 5
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "%s: ", s.Workload)
		for i, row := range s.Rows[:min(said, len(s.Rows))] {
			if i > 0 {
				b.WriteString("; ")
			}
			fmt.Fprintf(&b, "%s", analysis.SubsystemName(row.Name))
			for j, v := range s.Variants {
				fmt.Fprintf(&b, ", %s %d", v, row.Weights[j].Functions)
			}
		}
		b.WriteString(". ")
	}
	return strings.TrimSpace(b.String())
}
