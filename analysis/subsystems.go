package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Subsystems takes what each variant made the host run apart by subsystem: in the
// steady state and process context, over all repetitions.
type Subsystems struct {
	Workload string   // "" where it is all of them together
	Variants []string // those measured, in the order of the plan
	Rows     []Subsystem
	Total    []Weight // per variant
	// Approximate is how many of the functions in it were placed by their names
	// alone, Unplaced how many of those could not be.
	Approximate, Unplaced int
}

// Subsystem is a directory of the kernel's tree and what of it was run.
type Subsystem struct {
	Name    string // as in code.Place; "" for functions of which no one knows
	Weights []Weight
	Sets    []Set // the functions, per variant
}

// SubsystemsOf works it out for a workload, or for all of them where it is "". The
// subsystems with the most functions come first, and the unknown one last. Where a
// record holds more than one kernel there are none, as with Sharings.
func (r *Report) SubsystemsOf(workload string) (s Subsystems) {
	s.Workload = workload
	if len(r.measuredKernels()) > 1 {
		return s
	}
	all, byName := Set{}, map[string]*Subsystem{}
	var sets []Set
	for _, v := range r.Run.Plan.Variants {
		set, measured := Set{}, false
		for _, c := range r.Cells {
			if sum := c.HAP(); c.Variant == v && sum != nil && (workload == "" || c.Workload == workload) {
				set, measured = set.Union(sum.Union), true
			}
		}
		if measured {
			s.Variants, s.Total, sets, all = append(s.Variants, v), append(s.Total, r.Weigh(set)), append(sets, set), all.Union(set)
		}
	}
	for i, set := range sets {
		for _, f := range set {
			name := r.Place(f).Subsystem
			row := byName[name]
			if row == nil {
				row = &Subsystem{Name: name, Sets: make([]Set, len(sets))}
				byName[name] = row
			}
			row.Sets[i] = append(row.Sets[i], f)
		}
	}
	for _, row := range byName {
		for _, set := range row.Sets {
			row.Weights = append(row.Weights, r.Weigh(set))
		}
		s.Rows = append(s.Rows, *row)
	}
	slices.SortFunc(s.Rows, func(a, b Subsystem) int {
		switch {
		case a.Name == "":
			return 1
		case b.Name == "":
			return -1
		}
		return cmp.Or(cmp.Compare(b.most(), a.most()), strings.Compare(a.Name, b.Name))
	})
	for _, f := range all {
		if p := r.Place(f); p.Approximate {
			s.Approximate++
			if p.Subsystem == "" {
				s.Unplaced++
			}
		}
	}
	return s
}

// most is the number of functions of the variant that has the most.
func (s Subsystem) most() (n int) {
	for _, w := range s.Weights {
		n = max(n, w.Functions)
	}
	return n
}

// Top returns the n largest subsystems, one row for all others, and one for the
// functions of which no one knows, the latter two where there are such; all with names
// for people.
func (s Subsystems) Top(n int) []Subsystem {
	known := s.Rows
	var unknown []Subsystem
	if last := len(known) - 1; last >= 0 && known[last].Name == "" {
		unknown = []Subsystem{{"not known", known[last].Weights, known[last].Sets}}
		known = known[:last]
	}
	if len(known) <= n+1 { // one alone needs no row for others
		return slices.Concat(known, unknown)
	}
	others := Subsystem{fmt.Sprintf("%d others", len(known)-n), make([]Weight, len(s.Variants)), make([]Set, len(s.Variants))}
	for _, row := range known[n:] {
		for v := range s.Variants {
			others.Weights[v] = others.Weights[v].plus(row.Weights[v]) // no function is in two subsystems
			others.Sets[v] = others.Sets[v].Union(row.Sets[v])
		}
	}
	return slices.Concat(known[:n], []Subsystem{others}, unknown)
}
