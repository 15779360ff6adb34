package analysis

import (
	"fmt"
	"slices"
	"strings"

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

// What a ratio can say about the order of the two.
const (
	fewer       = "fewer than " + reference
	more        = "more than " + reference
	overlapping = "no order (repetitions overlap)"
	single      = "no order (a single repetition)"
)

// Verdict is what the ratio says about the order of the two.
func (r Ratio) Verdict() string {
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
		var parts []string
		for _, v := range variants {
			parts = append(parts, v+" "+conclude(verdicts[v]))
		}
		if len(parts) > 0 {
			out = append(out, fmt.Sprintf("%s: %s", Reading(context), strings.Join(parts, "; ")))
		}
	}
	return out
}

// conclude sums up the verdicts of several workloads.
func conclude(verdicts []string) string {
	var parts []string
	for _, v := range []string{fewer, more, overlapping, single} {
		n := 0
		for _, verdict := range verdicts {
			if verdict == v {
				n++
			}
		}
		switch {
		case n == len(verdicts) && n == 1:
			return v
		case n == len(verdicts):
			return fmt.Sprintf("%s under all %d workloads", v, n)
		case n > 0:
			parts = append(parts, fmt.Sprintf("%s under %d of %d workloads", v, n, len(verdicts)))
		}
	}
	return strings.Join(parts, ", ")
}
