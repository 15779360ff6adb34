package analysis

import (
	"maps"
	"slices"

	"hapscope/record"
)

// Contexts of phases in which a thread installed a seccomp filter: process context, by
// whether a filter held the thread at that moment. For a tender's start that is what its
// policy does not cover, and what it does.
const (
	Unconfined record.Context = "unconfined"
	Confined   record.Context = "confined"
)

// joinSides adds what was on either side in one of two phases, where both tell.
func joinSides(to, a, b map[record.Context]Set) {
	for _, c := range []record.Context{Unconfined, Confined} {
		x, inA := a[c]
		y, inB := b[c]
		if inA && inB {
			to[c] = x.Union(y)
		}
	}
}

// callsIn returns the system calls that were counted in a context, or nil.
func (s *Sample) callsIn(c record.Context) map[string]uint64 {
	switch {
	case c == record.InProcess:
		return s.Syscalls
	case s.Syscalls == nil || s.confined == nil:
		return nil
	case c == Confined:
		return s.confined
	case c == Unconfined:
		rest := map[string]uint64{}
		for name, n := range s.Syscalls {
			if n > s.confined[name] {
				rest[name] = n - s.confined[name]
			}
		}
		return rest
	}
	return nil
}

// Side is what was run on one side of the filters that were installed in a phase.
type Side struct {
	Functions *Summary // unique ones; nil where they were not told apart
	Calls     *Summary // unique system calls; likewise
	Names     []string // of these, in any repetition
}

// Sided is a phase of a cell in which a thread installed a seccomp filter.
type Sided struct {
	record.Cell
	Phase                record.Phase
	Unconfined, Confined Side
	Both                 float64 // functions that are on both sides, median
}

// Sides lists the phases in which threads installed a seccomp filter, cell by cell.
func (r *Report) Sides() (out []Sided) {
	for _, c := range r.Cells {
		for _, phase := range record.Phases() {
			s := Sided{Cell: c.Cell, Phase: phase, Unconfined: c.side(phase, Unconfined), Confined: c.side(phase, Confined)}
			if s.Confined.Functions == nil && s.Confined.Calls == nil {
				continue
			}
			var both []float64
			for _, sample := range c.samples[phase] {
				if confined, told := sample.Set(Confined); told {
					unconfined, _ := sample.Set(Unconfined)
					both = append(both, float64(len(unconfined.Intersect(confined))))
				}
			}
			if slices.Sort(both); len(both) > 0 {
				s.Both = middle(both)
			}
			out = append(out, s)
		}
	}
	return out
}

func (c *Cell) side(phase record.Phase, context record.Context) Side {
	names := map[string]uint64{}
	for _, s := range c.samples[phase] {
		maps.Copy(names, s.callsIn(context))
	}
	return Side{c.Summary(phase, context, UniqueFunctions), c.Summary(phase, context, UniqueSyscalls), slices.Sorted(maps.Keys(names))}
}
