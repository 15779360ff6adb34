package analysis

import (
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// Verdict says in a few sentences what the record shows: who made the host run
// the fewest functions, how certain that is, and what was not measured.
func (r *Report) Verdict() string { return r.Headline() + " " + r.Coverage() }

// Coverage says how much of the plan has numbers.
func (r *Report) Coverage() string {
	counts := r.Counts()
	if counts[record.OK] == len(r.Cells) {
		if len(r.Cells) == 1 {
			return "The only cell was measured without loss."
		}
		return fmt.Sprintf("All %s measured without loss.", count(len(r.Cells), "cell"))
	}
	parts := []string{}
	for _, s := range Statuses() {
		if n := counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return fmt.Sprintf("Of %s: %s.", count(len(r.Cells), "cell"), strings.Join(parts, ", "))
}

// Headline compares the variants by their HAP.
func (r *Report) Headline() string {
	kernel := "the host's kernel"
	if r.Run.Machine != nil {
		kernel = "Linux " + r.Run.Machine.Release
	}
	if len(r.measuredKernels()) > 1 {
		return "This record mixes kernels, so its variants cannot be compared."
	}
	var lowest []Rank
	var workloads, contested []string
	measured := map[string]bool{}
	for _, w := range r.Run.Plan.Workloads {
		k := r.ranking(w, record.InProcess)
		for _, rank := range k.Ranks {
			measured[rank.Variant] = true
		}
		if len(k.Ranks) < 2 {
			continue
		}
		lowest, workloads = append(lowest, k.Ranks[0]), append(workloads, w)
		if k.Ranks[1].Overlaps || k.Ranks[1].Place == 1 {
			contested = append(contested, w)
		}
	}
	switch {
	case len(measured) == 0:
		return "Nothing was measured."
	case len(lowest) == 0:
		for _, v := range r.Run.Plan.Variants {
			if len(measured) == 1 && measured[v] {
				return fmt.Sprintf("%s made %s run %s unique functions in the steady state.", v, kernel, r.span(v, r.Run.Plan.Workloads))
			}
		}
		return "No workload was measured under two variants, so none can be compared."
	}
	winner := lowest[0].Variant
	same := !slices.ContainsFunc(lowest, func(l Rank) bool { return l.Variant != winner })
	if !same {
		parts := make([]string, len(lowest))
		for i, l := range lowest {
			parts[i] = fmt.Sprintf("%s under %s (%.0f)", l.Variant, workloads[i], l.Median)
		}
		return fmt.Sprintf("No variant made %s run the fewest functions everywhere: in the steady state it was %s.", kernel, strings.Join(parts, ", ")) + certainty(contested, len(workloads))
	}
	highest := r.highest(workloads)
	return fmt.Sprintf("In the steady state, %s made %s run the fewest unique functions under %s: %s (median, process context), against %s with %s.",
		winner, kernel, every(workloads), r.span(winner, workloads), r.span(highest, workloads), highest) + certainty(contested, len(workloads))
}

// highest returns the variant that is last most often.
func (r *Report) highest(workloads []string) (variant string) {
	last := map[string]int{}
	for _, w := range workloads {
		k := r.ranking(w, record.InProcess)
		last[k.Ranks[len(k.Ranks)-1].Variant]++
	}
	for _, v := range r.Run.Plan.Variants { // in the order of the plan, so that a tie is always cut the same way
		if variant == "" || last[v] > last[variant] {
			variant = v
		}
	}
	return variant
}

// span returns the range of a variant's medians over workloads.
func (r *Report) span(variant string, workloads []string) string {
	low, high, any := 0.0, 0.0, false
	for _, w := range workloads {
		if c := r.Cell(variant, w); c != nil && c.HAP() != nil {
			m := c.HAP().Median
			if !any {
				low, high, any = m, m, true
			}
			low, high = min(low, m), max(high, m)
		}
	}
	if low == high {
		return fmt.Sprintf("%.0f", low)
	}
	return fmt.Sprintf("%.0f to %.0f", low, high)
}

func every(workloads []string) string {
	if len(workloads) == 1 {
		return workloads[0]
	}
	return fmt.Sprintf("each of %d workloads", len(workloads))
}

func certainty(contested []string, of int) string {
	switch len(contested) {
	case 0:
		return ""
	case of:
		return " Repetitions of the first two overlap, so which of them is lowest is not established."
	default:
		return fmt.Sprintf(" Under %s, repetitions of the first two overlap, so which of them is lowest there is not established.", strings.Join(contested, ", "))
	}
}
