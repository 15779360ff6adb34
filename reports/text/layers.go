package text

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"hapscope/analysis"
)

// layers writes what made the host run the functions, and what that means for the
// order of sandboxes with virtual machines.
func layers(b *bytes.Buffer, r *analysis.Report, width int) {
	ratios := r.VMRatios()
	if len(ratios) == 0 {
		return // of interest where there are virtual machines
	}
	all := r.LayersOf()
	contexts := analysis.LayerContexts(all)
	t := newTable()
	header := table.Row{"cell"}
	for _, c := range contexts {
		header = append(header, analysis.LayerName(c))
	}
	t.AppendHeader(append(header, "in all"))
	for _, l := range all {
		row := table.Row{l.Cell.String()}
		for _, c := range contexts {
			text := ""
			if layer := l.Layer(c); layer != nil {
				text = fmt.Sprintf("%.0f (+%.0f)", layer.Own, layer.Adds)
			}
			row = append(row, text)
		}
		t.AppendRow(append(row, fmt.Sprintf("%.0f", l.Mean)))
	}
	fmt.Fprintf(b, "\nHost code per layer, steady state: unique functions, and what they add to those left of them\n%s\n", draw(t))
	fmt.Fprintf(b, "\nVirtual machines beside %s, unique functions of the steady state\n", r.Reference())
	for _, c := range analysis.Conclusions(ratios) {
		prose(b, width, "  • ", c)
	}
	for _, ratio := range ratios {
		line := fmt.Sprintf("%s, %s: %.2f", ratio.Cell, ratio.Context, ratio.Median)
		if ratio.Of.N > 1 {
			line += fmt.Sprintf(" [%.2f–%.2f]", ratio.Low, ratio.High)
		}
		prose(b, width, "    ", line)
	}
	var published []string
	for _, p := range analysis.PublishedRatios() {
		published = append(published, fmt.Sprintf("%s %.2f–%.2f (%s)", p.What, p.Low, p.High, p.Source))
	}
	prose(b, width, "  • ", "published, on other kernels: "+strings.Join(published, "; "))
}
