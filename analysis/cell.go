package analysis

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"hapscope/record"
)

// Cell is one planned cell and what came of it.
type Cell struct {
	record.Cell
	Status   record.Status         // worst of the planned repetitions
	Planned  int                   // repetitions
	Counts   map[record.Status]int // repetitions by status
	Troubles []Trouble             // why repetitions are not ok, each once
	Notes    []Note                // what the driver remarked on its repetitions
	Health   []Health              // of the instrument, per recorded phase
	Kernels  []string              // build ids under which it was measured
	// Spared counts repetitions that were planned and not made because the cell
	// had converged.
	Spared      int
	Convergence Convergence
	Retried     int              // repetitions that came about at a later attempt
	Kthreads    []record.Kthread // work that kernel threads did for the sandbox in its steady phase, summed over repetitions
	Witness     []string         // of whom the first gave the result
	Partial     []record.Context // of which the first witness knows that it does not see everything
	agreements  []Agreement
	samples     map[record.Phase][]*Sample
	summaries   map[Key]*Summary
}

// Trouble is a reason, with its remedy, that some repetitions share.
type Trouble struct {
	Status      record.Status
	Reason      string
	Remedy      string
	Repetitions []int
}

// Note is a warning that some repetitions share.
type Note struct {
	Text        string
	Repetitions []int
}

// Measured returns how many repetitions have numbers.
func (c *Cell) Measured() int { return c.Counts[record.OK] + c.Counts[record.Degraded] }

// Summary returns the cell's summary, or nil where there is no number.
func (c *Cell) Summary(phase record.Phase, context record.Context, m Metric) *Summary {
	return c.summaries[Key{phase, context, m}]
}

// HAP returns the summary of the horizontal attack profile, or nil.
func (c *Cell) HAP() *Summary { return c.summaries[HAP()] }

// Samples returns the cell's measured repetitions in a phase, by repetition.
func (c *Cell) Samples(phase record.Phase) []*Sample { return c.samples[phase] }

// newCell judges a cell: its planned repetitions and the results that there are.
// base says where each kernel's functions begin in Report.Functions.
func newCell(cell record.Cell, plan *record.Plan, planned []int, results []*record.Result, base map[string]int) *Cell {
	c := &Cell{Cell: cell, Status: record.OK, Planned: len(planned), Counts: map[record.Status]int{}, Witness: witnesses(plan),
		samples: map[record.Phase][]*Sample{}, summaries: map[Key]*Summary{}}
	done := map[int]bool{}
	for _, r := range results {
		done[r.Repetition] = true
		c.Counts[r.Status]++
		c.Status = worse(c.Status, r.Status)
		if r.Status != record.OK {
			c.trouble(r.Status, r.Reason, r.Remedy, r.Repetition)
		}
		for _, w := range r.Warnings {
			c.note(w, r.Repetition)
		}
		if len(r.Retried) > 0 {
			c.Retried++
		}
		for _, reason := range r.Retried {
			first, _, _ := strings.Cut(reason, "\n")
			c.note("an attempt failed and was repeated: "+first, r.Repetition)
		}
		if !measured(r.Status) {
			continue // phases of a failed repetition are evidence, not measurements
		}
		if !slices.Contains(c.Kernels, r.Kernel) {
			c.Kernels = append(c.Kernels, r.Kernel)
		}
		if p := r.Phase(record.Steady); p != nil && c.Partial == nil {
			c.Partial = p.Partial
		}
		byPhase := samples(r, base[r.Kernel])
		for _, phase := range slices.Sorted(maps.Keys(byPhase)) {
			c.samples[phase] = append(c.samples[phase], byPhase[phase])
		}
	}
	c.Convergence = converge(results)
	enough := plan.UntilConverged > 0 && c.Convergence.Converged(plan.UntilConverged)
	for _, n := range planned {
		switch {
		case done[n]:
		case enough:
			c.Spared++
		default:
			c.Counts[Missing]++
			c.Status = worse(c.Status, Missing)
			c.trouble(Missing, "the run was interrupted before this repetition", "hapscope run --resume DIR", n)
		}
	}
	c.Health = health(results)
	c.Kthreads = kthreads(results)
	c.agreements = agreements(cell, c.Witness[0], results, base)
	subtractIdle(c.samples)
	for phase, s := range c.samples {
		completeRoles(s)
		for _, context := range Contexts() {
			for _, m := range Metrics() {
				key := Key{phase, context, m}
				if sum := summarize(key, s); sum != nil {
					c.summaries[key] = sum
				}
			}
		}
	}
	return c
}

// witnesses are those of the plan; old records had ftrace without saying so.
func witnesses(plan *record.Plan) []string {
	if len(plan.Witnesses) == 0 {
		return []string{"ftrace"}
	}
	return plan.Witnesses
}

// kthreads sums what kernel threads did in the steady phase, most runs first.
func kthreads(results []*record.Result) (out []record.Kthread) {
	for _, r := range results {
		p := r.Phase(record.Steady)
		if p == nil || !measured(r.Status) {
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

func (c *Cell) trouble(s record.Status, reason, remedy string, repetition int) {
	for i := range c.Troubles {
		t := &c.Troubles[i]
		if t.Status == s && t.Reason == reason && t.Remedy == remedy {
			t.Repetitions = append(t.Repetitions, repetition)
			return
		}
	}
	c.Troubles = append(c.Troubles, Trouble{s, reason, remedy, []int{repetition}})
}

func (c *Cell) note(text string, repetition int) {
	for i := range c.Notes {
		if c.Notes[i].Text == text {
			c.Notes[i].Repetitions = append(c.Notes[i].Repetitions, repetition)
			return
		}
	}
	c.Notes = append(c.Notes, Note{text, []int{repetition}})
}
