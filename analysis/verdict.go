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
	var sentences []string
	if len(r.Cells) > 0 || len(r.Timed) == 0 {
		partly := len(r.where(func(c *Cell) bool { return !measured(c.Status) && c.Measured() > 0 }))
		sentences = append(sentences, covered(r.Counts(), len(r.Cells), partly, "cell", "measured without loss"))
	}
	if len(r.Timed) > 0 {
		counts, partly := map[record.Status]int{}, 0
		for _, t := range r.Timed {
			counts[t.Status]++
			if t.Status != record.OK && t.Counts[record.OK] > 0 {
				partly++
			}
		}
		sentences = append(sentences, covered(counts, len(r.Timed), partly, "timed cell", "timed"))
	}
	return strings.Join(sentences, " ")
}

// covered counts cells by their worst repetition; partly is how many have numbers all the
// same.
func covered(counts map[record.Status]int, of, partly int, noun, done string) string {
	if counts[record.OK] == of {
		if of == 1 {
			return fmt.Sprintf("The only %s was %s.", noun, done)
		}
		return fmt.Sprintf("All %s %s.", count(of, noun), done)
	}
	parts := []string{}
	for _, s := range Statuses() {
		if n := counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	s := fmt.Sprintf("Of %s: %s", count(of, noun), strings.Join(parts, ", "))
	switch {
	case partly == 1:
		s += "; one of these has numbers, of its other repetitions"
	case partly > 1:
		s += fmt.Sprintf("; %d of these have numbers, of their other repetitions", partly)
	}
	return s + "."
}

// Headline compares the variants by their HAP; by their throughput where nothing was
// planned to be counted.
func (r *Report) Headline() string {
	if len(r.Cells) == 0 && len(r.Timed) > 0 {
		return r.TimingHeadline()
	}
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
		k := r.Ranking(w, record.InProcess, UniqueFunctions)
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
		k := r.Ranking(w, record.InProcess, UniqueFunctions)
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

// TimingHeadline compares the throughput of the variants with that of the
// reference, at the most telling place.
func (r *Report) TimingHeadline() string {
	places := r.Places()
	if len(places) == 0 {
		return "Nothing was timed."
	}
	var parts []string
	for _, v := range r.Run.Plan.Variants {
		var ratios []float64
		differ := 0
		for _, w := range r.Run.Plan.Workloads {
			if t := r.TimedCell(places[0], v, w); t != nil && t.Series(ReqPerSec) != nil && t.Series(ReqPerSec).ToReference != nil {
				ratios = append(ratios, t.Series(ReqPerSec).ToReference.Ratio)
				if t.Series(ReqPerSec).ToReference.Differs() {
					differ++
				}
			}
		}
		if len(ratios) == 0 {
			continue
		}
		low, high := fmt.Sprintf("%.2f", slices.Min(ratios)), fmt.Sprintf("%.2f", slices.Max(ratios))
		if low != high {
			low += " to " + high
		}
		low = fmt.Sprintf("%s %s times", v, low)
		if differ < len(ratios) {
			low += fmt.Sprintf(" (no difference shown under %d of %d)", len(ratios)-differ, len(ratios))
		}
		parts = append(parts, low)
	}
	if len(parts) == 0 {
		return fmt.Sprintf("No throughput (%s) can be compared with that of %s.", places[0], r.Reference())
	}
	return fmt.Sprintf("Throughput in saturation (%s), beside that of %s under the same workload: %s.", places[0], r.Reference(), strings.Join(parts, ", "))
}
