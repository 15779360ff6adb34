package text

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"hapscope/analysis"
)

// fewNames is how many names of system calls are spelled out: a tender's policy has
// seven, a container's hundreds.
const fewNames = 8

// sides writes what was run before and behind the filters that sandboxes gave themselves.
func sides(b *bytes.Buffer, r *analysis.Report, width int) {
	all := r.Sides()
	if len(all) == 0 {
		return
	}
	t := newTable()
	t.AppendHeader(table.Row{"cell", "phase", "functions before", "behind", "on both", "calls before", "behind"})
	var named []string
	for _, s := range all {
		both := "not measured"
		if s.Confined.Functions != nil {
			both = fmt.Sprintf("%g", s.Both)
		}
		t.AppendRow(table.Row{s.Cell.String(), s.Phase, median(s.Unconfined.Functions), median(s.Confined.Functions), both,
			median(s.Unconfined.Calls), median(s.Confined.Calls)})
		if n := len(s.Confined.Names); n > 0 && n <= fewNames {
			named = append(named, fmt.Sprintf("%s, %s, behind: %s", s.Cell, s.Phase, strings.Join(s.Confined.Names, ", ")))
		}
	}
	fmt.Fprintf(b, "\nBefore and behind seccomp filters, in phases in which a thread installed one: unique functions in process context, system calls\n%s\n", draw(t))
	for _, line := range named {
		prose(b, width, "  • ", line)
	}
}
