package analysis

import (
	"cmp"
	"slices"
)

// Sharing says which functions the variants of a workload have in common, in
// process context and steady state, over all repetitions.
type Sharing struct {
	Workload     string
	Variants     []string      // those measured, in the order of the plan
	Sizes        []int         // per variant: functions hit under it
	Shared       Set           // hit under every variant
	Private      []Set         // per variant: hit under no other
	Jaccard      [][]float64   // per pair of variants: common functions by all functions of both
	Combinations []Combination // that any function has, most functions first
}

// Combination is some variants, and the functions that were hit under each of them and
// under no other: every function of a workload is in exactly one.
type Combination struct {
	Members   []int // indices into Sharing.Variants, ascending
	Functions Set
}

// Sharings returns the sharing of each workload under which at least two
// variants were measured. Functions of two kernels cannot be compared: where a
// record holds more than one, there is no sharing, and a warning says so.
func (r *Report) Sharings() (out []Sharing) {
	if len(r.measuredKernels()) > 1 {
		return nil
	}
	for _, w := range r.Run.Plan.Workloads {
		s := Sharing{Workload: w}
		var sets []Set
		for _, c := range r.Cells {
			if sum := c.HAP(); c.Workload == w && sum != nil {
				s.Variants = append(s.Variants, c.Variant)
				sets = append(sets, sum.Union)
			}
		}
		if len(sets) < 2 {
			continue
		}
		s.Combinations = combinations(sets)
		s.Shared, s.Private = Set{}, make([]Set, len(sets))
		for _, c := range s.Combinations {
			switch len(c.Members) {
			case len(sets):
				s.Shared = c.Functions
			case 1:
				s.Private[c.Members[0]] = c.Functions
			}
		}
		for _, set := range sets {
			row := make([]float64, len(sets))
			for j, other := range sets {
				row[j] = set.Jaccard(other)
			}
			s.Sizes, s.Jaccard = append(s.Sizes, len(set)), append(s.Jaccard, row)
		}
		out = append(out, s)
	}
	return out
}

// combinations divides the functions of all sets by the sets that have them.
func combinations(sets []Set) (out []Combination) {
	members := map[int][]int{} // of a function
	var all Set
	for i, s := range sets {
		all = all.Union(s)
		for _, f := range s {
			members[f] = append(members[f], i)
		}
	}
	for _, f := range all {
		i := slices.IndexFunc(out, func(c Combination) bool { return slices.Equal(c.Members, members[f]) })
		if i < 0 {
			i = len(out)
			out = append(out, Combination{Members: members[f]})
		}
		out[i].Functions = append(out[i].Functions, f)
	}
	slices.SortFunc(out, func(a, b Combination) int {
		return cmp.Or(cmp.Compare(len(b.Functions), len(a.Functions)), cmp.Compare(len(b.Members), len(a.Members)), slices.Compare(a.Members, b.Members))
	})
	return out
}

// measuredKernels lists the kernels of all repetitions that have numbers.
func (r *Report) measuredKernels() []string {
	seen := map[string]bool{}
	var out []string
	for _, c := range r.Cells {
		for _, k := range c.Kernels {
			if !seen[k] {
				seen[k] = true
				out = append(out, k)
			}
		}
	}
	return out
}
