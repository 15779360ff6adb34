package analysis

import (
	"cmp"
	"slices"
	"strings"

	"hapscope/record"
)

// Cell is one planned cell and what came of it.
type Cell struct {
	record.Cell
	Outcome
	Health  []Health // of the instrument, per recorded phase
	Kernels []string // build ids under which it was measured
	// Spared counts repetitions that were planned and not made because the cell
	// had converged.
	Spared      int
	Convergence Convergence
	Kthreads    []record.Kthread // work that kernel threads did for the sandbox in its steady phase, summed over repetitions
	Witness     []string         // of whom the first gave the result
	Partial     []record.Context // of which the first witness knows that it does not see everything
	postures    []record.Posture // of all repetitions
	agreements  []Agreement
	samples     map[record.Phase][]*Sample
	summaries   map[Key]*Summary
}

// Summary returns the cell's summary, or nil where there is no number.
func (c *Cell) Summary(phase record.Phase, context record.Context, m Metric) *Summary {
	return c.summaries[Key{phase, context, m}]
}

// HAP returns the summary of the horizontal attack profile, or nil.
func (c *Cell) HAP() *Summary { return c.summaries[HAP()] }

// Samples returns the cell's measured repetitions in a phase, by repetition.
func (c *Cell) Samples(phase record.Phase) []*Sample { return c.samples[phase] }

// newCell judges a cell: its planned repetitions and the results that there are.
func newCell(cell record.Cell, plan *record.Plan, planned []int, of *gathered, u *universe) *Cell {
	c := &Cell{Cell: cell, Outcome: newOutcome(len(planned)), Witness: witnesses(plan),
		samples: map[record.Phase][]*Sample{}, summaries: map[Key]*Summary{}}
	done := map[int]bool{}
	for _, r := range of.results {
		done[r.Repetition] = true
		c.count(r.Repetition, r.Status, r.Reason, r.Remedy, r.Warnings, r.Retried)
		if !measured(r.Status) {
			continue
		}
		if !slices.Contains(c.Kernels, r.Kernel) {
			c.Kernels = append(c.Kernels, r.Kernel)
		}
		if p := r.Phase(record.Steady); p != nil && c.Partial == nil {
			c.Partial = p.Partial
		}
	}
	c.Convergence = converge(of)
	enough := plan.UntilConverged > 0 && c.Convergence.Converged(plan.UntilConverged)
	for _, n := range planned {
		switch {
		case done[n]:
		case enough:
			c.Spared++
		default:
			c.miss(n)
		}
	}
	c.Health = health(of.results)
	c.Kthreads = kthreads(of.results)
	c.postures = joinPostures(of.results)
	c.agreements = joinAgreements(of.results, u.base)
	for _, phase := range Phases() { // one at a time: unpacked sets are large
		c.measure(phase, of, u)
	}
	return c
}

// measure makes the samples of a phase and their summaries.
func (c *Cell) measure(phase record.Phase, of *gathered, u *universe) {
	all := drafts(of, phase, u)
	if phase == record.Steady {
		if idle, measured := idle(of, u); measured {
			for _, d := range all {
				if d.functions != nil {
					d.functions[Busy] = d.functions[record.InProcess].Minus(idle)
				}
			}
		}
	}
	completeRoles(all)
	for _, d := range all {
		d.seal()
		c.samples[phase] = append(c.samples[phase], d.Sample)
	}
	for _, context := range Contexts() {
		for _, m := range Metrics() {
			key := Key{phase, context, m}
			if sum := summarize(key, all); sum != nil {
				c.summaries[key] = sum
			}
		}
	}
}

// witnesses are those of the plan; old records had ftrace without saying so.
func witnesses(plan *record.Plan) []string {
	if len(plan.Witnesses) == 0 {
		return []string{"ftrace"}
	}
	return plan.Witnesses
}

// kthreads sums what kernel threads did in the steady phase, most runs first.
func kthreads(results []*kept) (out []record.Kthread) {
	for _, r := range results {
		p := r.Phase(record.Steady)
		if p == nil {
			continue
		}
		all := p.Kthreads
		for _, other := range p.Others {
			all = append(slices.Clip(all), other.Kthreads...)
		}
		for _, k := range all {
			i := slices.IndexFunc(out, func(o record.Kthread) bool { return o.Thread == k.Thread && o.Work == k.Work && o.Owner == k.Owner })
			if i < 0 {
				i = len(out)
				out = append(out, record.Kthread{Thread: k.Thread, Work: k.Work, Owner: k.Owner})
			}
			out[i].Runs += k.Runs
		}
	}
	slices.SortFunc(out, func(a, b record.Kthread) int {
		return cmp.Or(cmp.Compare(b.Runs, a.Runs), strings.Compare(a.Thread, b.Thread), strings.Compare(a.Work, b.Work), strings.Compare(a.Owner, b.Owner))
	})
	return out
}
