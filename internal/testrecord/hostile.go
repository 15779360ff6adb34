package testrecord

import (
	"strings"

	"hapscope/record"
)

// Hostile returns the record of New as someone would write it who wants a report to
// do more than to report: its names are markup, paths and formulas.
func Hostile() *record.Record {
	rec := New()
	rename := map[string]string{"runc": "../../x", "crun": `<img src=x onerror=alert(1)>`, "redis-set": "</script><script>alert(1)</script>", "redis-get": "a|b\n| [x](https://x.test) `"}
	other := func(name *string) {
		if n, ok := rename[*name]; ok {
			*name = n
		}
	}
	plan := &rec.Run.Plan
	for i := range plan.Variants {
		other(&plan.Variants[i])
		other(&rec.Run.Variants[i].Name)
	}
	for i := range plan.Workloads {
		other(&plan.Workloads[i])
	}
	for i := range plan.Steps {
		other(&plan.Steps[i].Variant)
		other(&plan.Steps[i].Workload)
	}
	for i := range rec.Results {
		r := &rec.Results[i]
		other(&r.Variant)
		other(&r.Workload)
		for j := range r.Phases {
			if r.Phases[j].Syscalls != nil {
				r.Phases[j].Syscalls[`"><script>alert(2)</script>`] = 1
			}
		}
	}
	for i, name := range []string{"<script>", "</table><script>alert(3)</script>", "javascript:alert(4)", "{{.}}", "${alert(5)}", "=cmd()"} {
		rec.Tables[Kernel][300+i].Symbol = name
	}
	plan.Scenario, rec.Run.ID = `"><b onmouseover=alert(6)>`, `../../"><script>alert(7)</script>`
	rec.Run.Why = strings.Repeat("long ", 3) + "</style><script>alert(8)</script>"
	return rec
}
