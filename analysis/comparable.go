package analysis

import (
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// DifferenceKind is a reason for which two records cannot be compared unless that is asked for.
type DifferenceKind string

// The kinds of differences.
const (
	OtherKernel DifferenceKind = "kernel" // functions of two builds are not the same functions
	OtherPlace  DifferenceKind = "place"  // another kind of machine, or another machine
	OtherPlan   DifferenceKind = "plan"   // another load, window, witness or engine
)

// Difference is one of them, in words.
type Difference struct {
	Kind DifferenceKind
	Text string
}

// Differences says what keeps two records from being compared.
func Differences(before, after *Report) (out []Difference) {
	add := func(k DifferenceKind, what, was, is string) {
		if was != is {
			out = append(out, Difference{k, fmt.Sprintf("%s: %s, and before %s", what, orNone(is), orNone(was))})
		}
	}
	if len(before.Cells) > 0 && len(after.Cells) > 0 {
		for _, r := range []*Report{before, after} {
			if ks := r.measuredKernels(); len(ks) > 1 {
				out = append(out, Difference{OtherKernel, fmt.Sprintf("the record %s mixes the kernels %s", r.Run.ID, strings.Join(ks, ", "))})
			}
		}
		was, is := before.measuredKernels(), after.measuredKernels()
		if len(was) > 0 && len(is) > 0 { // a record without numbers has no kernel and no place to differ in
			add(OtherKernel, "build of the kernel", strings.Join(was, ", "), strings.Join(is, ", "))
			add(OtherPlace, "functions were counted", string(before.CountedAt()), string(after.CountedAt()))
		}
		add(OtherPlan, "load of the steady phase", countConditions(&before.Run.Plan), countConditions(&after.Run.Plan))
	}
	if len(before.Timed) == 0 || len(after.Timed) == 0 {
		return out
	}
	shared := 0
	for _, p := range after.Places() {
		if !slices.Contains(before.Places(), p) {
			continue
		}
		shared++
		add(OtherPlace, "machine of the timings ("+string(p)+")", describe(before.MachineAt(p)), describe(after.MachineAt(p)))
	}
	if shared == 0 && len(before.Places()) > 0 && len(after.Places()) > 0 {
		add(OtherPlace, "timings were taken", names(before.Places()), names(after.Places()))
	}
	add(OtherPlan, "load of the timings", timedConditions(before.Run.Plan.Timing), timedConditions(after.Run.Plan.Timing))
	return out
}

func orNone(s string) string {
	if s == "" {
		return "none is known"
	}
	return s
}

// countConditions is all of a plan that changes which functions a cell runs.
func countConditions(p *record.Plan) string {
	s := fmt.Sprintf("%s, %d requests at %g/s, %d a connection, %d to warm up, settled %g s, counted by %s",
		p.Load.Mode, p.Load.Requests, p.Load.Rate, p.Load.RequestsPerConnection, p.Load.WarmUp, p.Settle, witnesses(p)[0])
	if p.Engine != "" {
		s += ", started by " + p.Engine
	}
	return s
}

// timedConditions is all of a plan that changes what a timing is of.
func timedConditions(p *record.TimingPlan) string {
	return fmt.Sprintf("%g s over %d connections, %g s at %g/s, %g s to warm up", p.Throughput, p.Connections, p.Latency, p.Rate, p.WarmUp)
}

// describe is what of a machine makes its times its own.
func describe(m *record.Machine) string {
	if m == nil {
		return ""
	}
	return fmt.Sprintf("Linux %s on %d × %s", m.Release, m.CPUs, m.CPU)
}
