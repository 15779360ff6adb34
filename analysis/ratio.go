package analysis

import (
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// Ratio compares a variant with the reference under one choice of contexts.
type Ratio struct {
	record.Cell
	Reference string
	Context   record.Context
	Of, To    *Summary // of the variant, and of the reference
	Median    float64  // of the one median to the other
	// Low and High are the least and the greatest ratio that the repetitions allow:
	// the one's minimum by the other's maximum, and the reverse.
	Low, High float64
}

// What a ratio can say about the order of the two, in the order in which it is summed up.
const (
	fewer = iota
	more
	overlapping
	single
	orders
)

// inWords names an order, beside the reference.
func inWords(order int, reference string) string {
	return []string{"fewer than " + reference, "more than " + reference, "no order (repetitions overlap)", "no order (a single repetition)"}[order]
}

func (r Ratio) order() int {
	switch {
	case min(r.Of.N, r.To.N) < 2:
		return single
	case r.High < 1:
		return fewer
	case r.Low > 1:
		return more
	}
	return overlapping
}

// Verdict is what the ratio says about the order of the two.
func (r Ratio) Verdict() string { return inWords(r.order(), r.Reference) }

// VMRatios compares every variant that runs virtual machines, under the readings that
// leave its back-ends out or count them.
func (r *Report) VMRatios() (out []Ratio) {
	for _, c := range r.Cells {
		vcpu := c.Summary(record.Steady, RoleContext(record.RoleVCPU), UniqueFunctions)
		to := r.Cell(r.Reference(), c.Workload)
		if vcpu == nil || to == nil || c.Variant == r.Reference() {
			continue
		}
		for _, context := range Readings() {
			of, to := c.Summary(record.Steady, context, UniqueFunctions), to.Summary(record.Steady, context, UniqueFunctions)
			if of == nil || to == nil || to.Min == 0 {
				continue
			}
			out = append(out, Ratio{c.Cell, r.Reference(), context, of, to, of.Median / to.Median, of.Min / to.Max, of.Max / to.Min})
		}
	}
	return out
}

// Readings lists the choices of contexts that differ in what of a virtual machine's
// surroundings they count.
func Readings() []record.Context { return []record.Context{Front, record.InProcess, AllRoles, Any} }

// Reading says what a choice of contexts counts.
func Reading(c record.Context) string {
	switch c {
	case Front:
		return "without back-ends (monitor and virtual CPUs alone)"
	case record.InProcess:
		return "process context (with shim and file back-ends)"
	case AllRoles:
		return "with all back-ends (process context and vhost)"
	case Any:
		return "process context and interrupts"
	}
	return string(c)
}

// PublishedRatio is a range of ratios that others have measured.
type PublishedRatio struct {
	What      string
	Low, High float64
	Source    string
}

// PublishedRatios lists those of virtual machines to plain containers. The bars were
// read off the authors' figures; kernels and workloads' versions were others, so that
// the order of the ratios can be compared, not their digits.
func PublishedRatios() []PublishedRatio {
	return []PublishedRatio{
		{"Kata with QEMU to docker", .50, .86, "nabla-measurements, 2019"},
		{"ukvm (Nabla's tender on KVM) to a process", .34, .41, "Williams et al., Unikernels as Processes, SoCC 2018"},
	}
}

// Conclusions says for each reading which order it supports, over all workloads.
func Conclusions(ratios []Ratio) (out []string) {
	for _, context := range Readings() {
		found := map[string][]int{}
		var variants []string
		reference := ""
		for _, r := range ratios {
			if r.Context != context {
				continue
			}
			if !slices.Contains(variants, r.Variant) {
				variants = append(variants, r.Variant)
			}
			found[r.Variant], reference = append(found[r.Variant], r.order()), r.Reference
		}
		var parts []string
		for _, v := range variants {
			parts = append(parts, v+" "+conclude(found[v], reference))
		}
		if len(parts) > 0 {
			out = append(out, fmt.Sprintf("%s: %s", Reading(context), strings.Join(parts, "; ")))
		}
	}
	return out
}

// conclude sums up the orders under several workloads.
func conclude(found []int, reference string) string {
	var parts []string
	for order := range orders {
		n, words := 0, inWords(order, reference)
		for _, one := range found {
			if one == order {
				n++
			}
		}
		switch {
		case n == len(found) && n == 1:
			return words
		case n == len(found):
			return fmt.Sprintf("%s under all %d workloads", words, n)
		case n > 0:
			parts = append(parts, fmt.Sprintf("%s under %d of %d workloads", words, n, len(found)))
		}
	}
	return strings.Join(parts, ", ")
}
