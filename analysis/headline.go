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
	}
	where := "on the host"
	if l := r.Run.Lab; l != nil {
		where = "in the lab, " + map[bool]string{true: "emulated CPU", false: "KVM"}[r.Emulated()]
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
		n += fmt.Sprintf(" (create, boot and teardown: %d)", p.LifecycleRepetitions)
	}
	return strings.Join([]string{kernel, where, load, fmt.Sprintf("at least %d to warm up", p.Load.WarmUp), fmt.Sprintf("settled %g s", p.Settle), n}, " · ")
}
