package analysis

import (
	"fmt"
	"strings"
)

// Conditions says in one line under which conditions the numbers came about:
// no count means anything without its load, its window and its kernel.
func (r *Report) Conditions() string {
	p := r.Run.Plan
	kernel := "kernel not seen"
	if m := r.Run.Machine; m != nil {
		kernel = "Linux " + m.Release
	} else if places := r.Places(); len(places) > 0 && r.MachineAt(places[0]) != nil {
		kernel = "Linux " + r.MachineAt(places[0]).Release
	}
	where := "on the host"
	if l := r.Run.Lab; l != nil {
		where = "in the lab, " + map[bool]string{true: "emulated CPU", false: "KVM"}[r.Emulated()]
	}
	if len(r.Cells) == 0 && p.Timing != nil {
		return strings.Join([]string{kernel, where, r.timingConditions()}, " · ")
	}
	load := fmt.Sprintf("%d requests", p.Load.Requests)
	if p.Load.Mode == "paced" {
		load += fmt.Sprintf(" at %g/s", p.Load.Rate)
	} else {
		load += ", " + p.Load.Mode
	}
	if n := p.Load.RequestsPerConnection; n > 0 {
		load += fmt.Sprintf(", %d a connection", n)
	}
	n := fmt.Sprintf("n = %d", p.Repetitions)
	if p.LifecycleRepetitions < p.Repetitions {
		n += fmt.Sprintf(" (create, boot and teardown: %d%s)", p.LifecycleRepetitions, under(p.LifecycleWorkloads))
	} else if len(p.LifecycleWorkloads) > 0 {
		n += fmt.Sprintf(" (create, boot and teardown:%s)", under(p.LifecycleWorkloads))
	}
	parts := []string{kernel, where, load, fmt.Sprintf("at least %d to warm up", p.Load.WarmUp), fmt.Sprintf("settled %g s", p.Settle), n}
	if p.Timing != nil {
		parts = append(parts, r.timingConditions())
	}
	return strings.Join(parts, " · ")
}

func under(workloads []string) string {
	if len(workloads) == 0 {
		return ""
	}
	return " under " + strings.Join(workloads, ", ")
}

// timingConditions says how what was timed was loaded.
func (r *Report) timingConditions() string {
	p := r.Run.Plan.Timing
	return fmt.Sprintf("timed: %g s over %d connections, %g s at %g/s, n = %d", p.Throughput, p.Connections, p.Latency, p.Rate, p.Repetitions)
}
