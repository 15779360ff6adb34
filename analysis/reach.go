package analysis

import (
	"cmp"
	"slices"

	"hapscope/record"
)

// Moments is a set of moments, each a recorded phase and context, in which functions
// were hit.
type Moments uint32

// MomentContexts lists the contexts of moments: those that say something of a sandbox.
// What other kernel threads of the machine ran meanwhile is nobody's.
func MomentContexts() []record.Context {
	return []record.Context{record.InProcess, record.InSoftIRQ, record.InHardIRQ, record.InKthread}
}

// moment is the set of one phase and context; both by their place in the lists of them.
func moment(phase, context int) Moments { return 1 << (phase*len(MomentContexts()) + context) }

// Phases lists the phases of the moments in a context, in the order of a sandbox's life.
func (m Moments) Phases(c record.Context) (out []record.Phase) {
	context := slices.Index(MomentContexts(), c)
	if context < 0 {
		return nil
	}
	for i, p := range record.Phases() {
		if m&moment(i, context) != 0 {
			out = append(out, p)
		}
	}
	return out
}

// Reach says who made the host run a function, and when.
type Reach struct {
	Function int       // in Report.Functions
	Variants []Moments // per variant of the plan, over all workloads and repetitions
}

// Reached lists every function that a measured repetition hit, ascending.
func (r *Report) Reached() (out []Reach) {
	at := map[int]int{} // of functions, in out
	for _, c := range r.Cells {
		variant := slices.Index(r.Run.Plan.Variants, c.Variant)
		for i, phase := range record.Phases() {
			for j, context := range MomentContexts() {
				var set Set
				for _, s := range c.samples[phase] {
					of, _ := s.Set(context)
					set = set.Union(of)
				}
				for _, f := range set {
					n, known := at[f]
					if !known {
						n = len(out)
						at[f] = n
						out = append(out, Reach{f, make([]Moments, len(r.Run.Plan.Variants))})
					}
					out[n].Variants[variant] |= moment(i, j)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Reach) int { return a.Function - b.Function })
	return out
}

// SubsystemName is what people read of a subsystem, of which Place may know none.
func SubsystemName(subsystem string) string { return cmp.Or(subsystem, "not known") }
