package analysis

// Sharing says which functions the variants of a workload have in common, in
// process context and steady state, over all repetitions.
type Sharing struct {
	Workload string
	Variants []string    // those measured, in the order of the plan
	Shared   Set         // hit under every variant
	Private  []Set       // per variant: hit under no other
	Jaccard  [][]float64 // per pair of variants: common functions by all functions of both
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
		s.Shared = sets[0]
		for i, set := range sets {
			s.Shared = s.Shared.Intersect(set)
			private, row := set, make([]float64, len(sets))
			for j, other := range sets {
				row[j] = set.Jaccard(other)
				if i != j {
					private = private.Minus(other)
				}
			}
			s.Private = append(s.Private, private)
			s.Jaccard = append(s.Jaccard, row)
		}
		out = append(out, s)
	}
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
