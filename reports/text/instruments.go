package text

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hapscope/analysis"
)

// instruments writes why the numbers can be believed: the self-test, the
// agreement of the witnesses, and how much may be unseen.
func instruments(b *bytes.Buffer, r *analysis.Report, width int) {
	lines := slices.Concat(selfTests(r), unarmed(r), agreements(r), unseen(r))
	if len(lines) > 0 {
		b.WriteString("\nInstruments\n")
	}
	for _, l := range lines {
		prose(b, width, "  • ", l)
	}
}

func selfTests(r *analysis.Report) (lines []string) {
	for _, t := range r.Run.SelfTest {
		passed := map[bool][]string{}
		for _, c := range t.Checks {
			passed[c.Passed] = append(passed[c.Passed], c.Witness)
		}
		if t.Passed() {
			lines = append(lines, fmt.Sprintf("self-test passed: %s counted %s", strings.Join(passed[true], ", "), t.Checks[0].Detail))
		} // what failed or was left out is a warning
	}
	return lines
}

// unarmed says which collectors the machine cannot have.
func unarmed(r *analysis.Report) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Run.Unarmed)) {
		lines = append(lines, fmt.Sprintf("the collector %s was not armed, so that its numbers are not there: %s", name, r.Run.Unarmed[name]))
	}
	return lines
}

// agreements sums up each pair of witnesses in one line.
func agreements(r *analysis.Report) (lines []string) {
	type pair struct{ a, b string }
	var pairs []pair
	sum := map[pair]*analysis.Agreement{}
	names := map[pair]map[string]bool{}
	for _, a := range r.Agreements() {
		p := pair{a.A, a.B}
		s := sum[p]
		if s == nil {
			s = &analysis.Agreement{Worst: 1}
			sum[p], names[p] = s, map[string]bool{}
			pairs = append(pairs, p)
		}
		s.N += a.N
		s.Both += a.Both
		s.Either += a.Either
		s.Worst, s.Sample = min(s.Worst, a.Worst), max(s.Sample, a.Sample)
		for _, d := range a.Dissent {
			names[p][r.Name(d.Function)] = true
		}
	}
	for _, p := range pairs {
		s := sum[p]
		sample := ""
		if s.Sample > 0 {
			sample = fmt.Sprintf(" of the %d that both observed", s.Sample)
		}
		lines = append(lines, fmt.Sprintf("%s and %s saw the same functions%s: Jaccard %.4f over %d repetitions, at worst %.4f; %d functions were seen by one of them only",
			p.a, p.b, sample, s.Jaccard(), s.N, s.Worst, len(names[p])))
	}
	return lines
}

// unseen gives the range of Chao1's estimate.
func unseen(r *analysis.Report) []string {
	low, high, n, spared := 1.0, 0.0, 0, 0
	for _, c := range r.Cells {
		spared += c.Spared
		if len(c.Convergence.New) > 1 {
			u := c.Convergence.Richness.Unseen()
			low, high, n = min(low, u), max(high, u), n+1
		}
	}
	if n == 0 {
		return nil
	}
	line := fmt.Sprintf("unseen by Chao1's estimate: %.1f %% to %.1f %% of the functions of a cell", 100*low, 100*high)
	if n == 1 {
		line = fmt.Sprintf("unseen by Chao1's estimate: %.1f %% of the functions", 100*low)
	}
	if spared > 0 {
		line += fmt.Sprintf("; %d repetitions were spared because their cells had converged", spared)
	}
	return []string{line}
}
