package driver

import (
	"fmt"
	"strings"

	"hapscope/record"
)

// judge decides how far a repetition that went through can be trusted. Anything
// lost or outside of the function table makes a set smaller than the truth, so
// the result is degraded and says by how much; it is never silently a number.
func judge(r *record.Result) (record.Status, string) {
	var reasons []string
	for _, p := range r.Phases {
		if n := p.LostTotal(); n > 0 {
			reasons = append(reasons, fmt.Sprintf("%s: %d of %d events lost", p.Phase, n, n+p.Events))
		}
		if p.Unknown > 0 {
			reasons = append(reasons, fmt.Sprintf("%s: %d entries at addresses outside the function table", p.Phase, p.Unknown))
		}
		if b, n := p.VMExits, p.VMTotal(record.VMExit); b != nil && (n < b.Low || n > b.High) {
			reasons = append(reasons, fmt.Sprintf("%s: %d VM exits were counted, the kernel's own counters say %d to %d", p.Phase, n, b.Low, b.High))
		}
		// An idle sandbox may well do nothing.
		if p.Phase != record.Idle && len(p.Functions[record.InProcess]) == 0 {
			reasons = append(reasons, fmt.Sprintf("%s: no function seen in process context", p.Phase))
		}
	}
	if len(reasons) > 0 {
		return record.Degraded, strings.Join(reasons, "; ")
	}
	return record.OK, ""
}
