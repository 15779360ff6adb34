package analysis

import (
	"fmt"
	"slices"

	"hapscope/record"
)

// reference is the variant with which those that run virtual machines are compared:
// the plain container, as in every published measurement.
const reference = "runc"

// Ratio compares a variant with the plain container under one choice of contexts.
type Ratio struct {
	record.Cell
	Context record.Context
	Of, To  *Summary // of the variant, and of the container
	Median  float64  // of the one median to the other
	// Low and High are the least and the greatest ratio that the repetitions allow:
	// the one's minimum by the other's maximum, and the reverse.
	Low, High float64
}

// Verdict is what the ratio says about the order of the two.
func (r Ratio) Verdict() string {
	switch {
	case min(r.Of.N, r.To.N) < 2:
		return "no order: a single repetition has no spread"
	case r.High < 1:
		return "fewer than " + reference
	case r.Low > 1:
		return "more than " + reference
	}
	return "no order: the repetitions overlap"
}

// VMRatios compares every variant that runs virtual machines, under the readings that
// leave its back-ends out or count them.
func (r *Report) VMRatios() (out []Ratio) {
	for _, c := range r.Cells {
		vcpu := c.Summary(record.Steady, RoleContext(record.RoleVCPU), UniqueFunctions)
		to := r.Cell(reference, c.Workload)
		if vcpu == nil || to == nil {
			continue
		}
		for _, context := range Readings() {
			of, to := c.Summary(record.Steady, context, UniqueFunctions), to.Summary(record.Steady, context, UniqueFunctions)
			if of == nil || to == nil || to.Min == 0 {
				continue
			}
			out = append(out, Ratio{c.Cell, context, of, to, of.Median / to.Median, of.Min / to.Max, of.Max / to.Min})
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
		return "monitor and virtual CPUs alone: without back-ends"
	case record.InProcess:
		return "process context: with shim and file back-ends, without the kernel's threads"
	case AllRoles:
		return "process context and vhost: with all back-ends"
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

// Conclusions says for each variant with virtual machines which reading supports
// which order, over all workloads.
func Conclusions(ratios []Ratio) (out []string) {
	for _, context := range Readings() {
		verdicts := map[string][]string{}
		var variants []string
		for _, r := range ratios {
			if r.Context != context {
				continue
			}
			if !slices.Contains(variants, r.Variant) {
				variants = append(variants, r.Variant)
			}
			verdicts[r.Variant] = append(verdicts[r.Variant], r.Verdict())
		}
		for _, v := range variants {
			text := "depends on the workload"
			if all := slices.Compact(slices.Sorted(slices.Values(verdicts[v]))); len(all) == 1 {
				text = all[0]
			}
			if len(verdicts[v]) > 1 && text != "depends on the workload" {
				text += fmt.Sprintf(" under all %d workloads", len(verdicts[v]))
			}
			out = append(out, fmt.Sprintf("%s, counted as %s: %s", v, Reading(context), text))
		}
	}
	return out
}
