package text

import (
	"bytes"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"

	"hapscope/analysis"
	"hapscope/record"
)

// shown is how many subsystems have a row of their own.
const shown = 15

// subsystems writes which parts of the kernel the variants made run.
func subsystems(b *bytes.Buffer, r *analysis.Report, width int) {
	s := r.SubsystemsOf("")
	if len(s.Rows) == 0 {
		return
	}
	b.WriteString("\nBy subsystem: unique host-kernel functions, steady state, process context, over all workloads\n")
	if s.Approximate > 0 {
		prose(b, width, "", fmt.Sprintf("Of %d of the functions the subsystem is guessed by their names.", s.Approximate-s.Unplaced))
	}
	t := newTable()
	header := table.Row{"subsystem"}
	for _, v := range s.Variants {
		header = append(header, v)
	}
	t.AppendHeader(header)
	for _, row := range s.Top(shown) {
		t.AppendRow(functionsRow(row.Name, row.Weights))
	}
	t.AppendRow(functionsRow("in all", s.Total))
	fmt.Fprintln(b, draw(t))
}

func functionsRow(name string, weights []analysis.Weight) table.Row {
	row := table.Row{name}
	for _, w := range weights {
		row = append(row, fmt.Sprint(w.Functions))
	}
	return row
}

// weights writes how much code the functions are, and each variant's place by that.
func weights(b *bytes.Buffer, r *analysis.Report) {
	places := map[record.Cell]map[analysis.Metric]string{}
	var cells []record.Cell
	weighed := false
	for _, k := range r.WeightedRankings() {
		for _, rank := range k.Ranks {
			cell := record.Cell{Variant: rank.Variant, Workload: k.Workload}
			if places[cell] == nil {
				places[cell], cells = map[analysis.Metric]string{}, append(cells, cell)
			}
			mark := ""
			if rank.Overlaps {
				mark = " ≈"
			}
			places[cell][k.Metric] = fmt.Sprintf("%.0f (%d.%s)", rank.Median, rank.Place, mark)
		}
		weighed = weighed || k.Metric != analysis.UniqueFunctions
	}
	if !weighed {
		return
	}
	fmt.Fprintf(b, "\nWhat the functions weigh, steady state, process context: median (place; ≈: range overlaps with the place before)\n")
	t := newTable()
	header := table.Row{"cell"}
	for _, m := range analysis.Weights() {
		header = append(header, m)
	}
	t.AppendHeader(header)
	for _, c := range cells {
		row := table.Row{c.String()}
		for _, m := range analysis.Weights() {
			row = append(row, places[c][m])
		}
		t.AppendRow(row)
	}
	fmt.Fprintln(b, draw(t))
}
