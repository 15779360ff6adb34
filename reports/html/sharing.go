package html

import (
	"fmt"
	"strings"

	"hapscope/analysis"
	"hapscope/reports/plot"
)

// sharing is what the variants of a workload have in common, drawn.
type sharing struct {
	analysis.Sharing
	Figure *figure
}

// Total is how many functions any of the variants reached.
func (s sharing) Total() (n int) {
	for _, c := range s.Combinations {
		n += len(c.Functions)
	}
	return n
}

// SharedShare is the part of them that all share.
func (s sharing) SharedShare() float64 {
	return float64(len(s.Shared)) / float64(max(1, s.Total()))
}

func newSharings(r *analysis.Report) (out []sharing, err error) {
	for i, s := range r.Sharings() {
		drawn, err := drawFigure(r, fmt.Sprintf("sharing-%d", i+1), "Functions by the variants that reach them, "+s.Workload, describeSharing(s), plot.Options{Sets: plot.Combinations, Workload: s.Workload})
		if err != nil {
			return nil, err
		}
		out = append(out, sharing{s, drawn})
	}
	return out, nil
}

// describeSharing says in words what the columns of the figure show, the largest first.
func describeSharing(s analysis.Sharing) string {
	const said = 12
	var parts []string
	for _, c := range s.Combinations[:min(said, len(s.Combinations))] {
		var names []string
		for _, i := range c.Members {
			names = append(names, s.Variants[i])
		}
		by := "only by " + strings.Join(names, ", ")
		if len(names) == len(s.Variants) {
			by = "by all"
		}
		parts = append(parts, fmt.Sprintf("%d %s", len(c.Functions), by))
	}
	words := strings.Join(parts, "; ") + "."
	if rest := len(s.Combinations) - said; rest > 0 {
		words += fmt.Sprintf(" %d further combinations have fewer.", rest)
	}
	return words
}
