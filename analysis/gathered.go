package analysis

import (
	"slices"

	"hapscope/analysis/code"
	"hapscope/record"
)

// Gathering takes the results of a record one by one and keeps of each what a report is
// made of, which is little: the sets of functions, packed, and no hit. The zero value is
// ready. It serves one record.
type Gathering struct {
	cells map[record.Cell]*gathered
	wrong []record.Cell // measured with fewer correct replies than requests
}

// gathered is what is kept of a cell.
type gathered struct {
	results []*kept
	entries tally // of the steady state, in process context
}

// kept is what is kept of a result: its Phases hold no hits.
type kept struct {
	record.Result
	phases []keptPhase // by Phases
}

// keptPhase is what is kept of a phase's hits. Functions are by their place in the
// kernel's own table.
type keptPhase struct {
	counted bool // functions were measured
	roles   bool // threads were told apart
	sets    []contextSet
	// virtiofs is as in Sample.
	virtiofs map[record.VhostEvent]map[string]uint64
	// beside holds a comparison with each further witness, of the steady state.
	beside []Agreement
}

// contextSet is the set of one context.
type contextSet struct {
	context record.Context
	packed  packed // nil where the set is the union of others
	weight  Weight // filled in at the end
}

// tally adds up how often functions were entered, by the kernel's build id and their
// place in its table.
type tally map[string][]uint64

func (t tally) add(kernel string, hits []record.Hit) {
	if len(hits) == 0 {
		return
	}
	counts := t[kernel]
	if more := hits[len(hits)-1].Function + 1 - len(counts); more > 0 {
		counts = append(counts, make([]uint64, more)...)
	}
	for _, h := range hits {
		counts[h.Function] += h.Count
	}
	t[kernel] = counts
}

// Add takes a result. rec has the run, and the table of the result's kernel.
func (g *Gathering) Add(rec *record.Record, r *record.Result) {
	if g.cells == nil {
		g.cells = map[record.Cell]*gathered{}
	}
	cell := r.Cell()
	c := g.cells[cell]
	if c == nil {
		c = &gathered{entries: tally{}}
		g.cells[cell] = c
	}
	k := &kept{Result: *r}
	k.Phases = nil
	if measured(r.Status) { // phases of a failed repetition are evidence, not measurements
		first := witnesses(&rec.Run.Plan)[0]
		for i := range r.Phases {
			k.keep(&r.Phases[i], first, rec.Tables[r.Kernel])
		}
		if p := r.Phase(record.Steady); p != nil {
			c.entries.add(r.Kernel, p.Functions[record.InProcess])
		}
		if r.Load != nil && r.Load.Correct != r.Load.Requests && !slices.Contains(g.wrong, cell) {
			g.wrong = append(g.wrong, cell)
		}
	}
	c.results = append(c.results, k)
}

// keep keeps a phase; first is the plan's first witness, functions the kernel's table.
func (k *kept) keep(p *record.PhaseResult, first string, functions []record.Function) {
	phase := keptPhase{counted: p.Functions != nil, virtiofs: virtiofs(p, functions)}
	if phase.counted {
		for _, c := range record.Contexts() {
			if hits, ok := p.Functions[c]; ok || always(c) {
				phase.add(c, packHits(hits))
			} else if hits, ok := elsewhere(p, c); ok {
				phase.add(c, packHits(hits))
			}
		}
		for role, seen := range p.Roles {
			phase.add(RoleContext(role), packHits(seen.Functions))
		}
		phase.roles = p.Roles != nil
		if p.Sides != nil {
			phase.add(Unconfined, pack(p.Sides.Unconfined, 0))
			phase.add(Confined, pack(p.Sides.Confined, 0))
		}
	}
	if p.Phase == record.Steady {
		phase.beside = agreements(k.Cell(), first, p)
	}
	light := *p
	light.Functions, light.Sample, light.Roles, light.Sides, light.Others = nil, nil, nil, nil, nil
	if len(p.Others) > 0 {
		light.Others = map[string]*record.Sighting{}
		for name, other := range p.Others {
			light.Others[name] = &record.Sighting{Kthreads: other.Kthreads}
		}
	}
	k.Phases, k.phases = append(k.Phases, light), append(k.phases, phase)
}

func (p *keptPhase) add(c record.Context, s packed) {
	p.sets = append(p.sets, contextSet{context: c, packed: s})
}

// set returns the functions of a context, and whether it has any number of them.
func (p *keptPhase) set(c record.Context, base int) (Set, bool) {
	i := slices.IndexFunc(p.sets, func(s contextSet) bool { return s.context == c })
	if i < 0 {
		return nil, false
	}
	return p.sets[i].packed.set(base), true
}

// phase returns what was kept of a phase, or nil.
func (k *kept) phase(phase record.Phase) (*record.PhaseResult, *keptPhase) {
	for i := range k.Phases {
		if k.Phases[i].Phase == phase {
			return &k.Phases[i], &k.phases[i]
		}
	}
	return nil, nil
}

// Report works out what was gathered. rec is the record of it, whose results are not
// looked at any more; it must not change afterwards. Tables are those of the kernels'
// source that the caller has, beside those that are part of hapscope.
func (g *Gathering) Report(rec *record.Record, tables ...*code.Table) *Report {
	u := newUniverse(rec, tables)
	r := &Report{Run: &rec.Run, Kernels: kernels(rec), Functions: u.functions, universe: u}
	for _, kernel := range r.Kernels {
		r.names = append(r.names, uniqueNames(rec.Tables[kernel])...)
	}
	planned := map[record.Cell][]int{}
	for _, s := range rec.Run.Plan.Steps {
		planned[s.Cell] = append(planned[s.Cell], s.Repetition)
	}
	for _, v := range rec.Run.Plan.Variants {
		for _, w := range rec.Run.Plan.Workloads {
			cell := record.Cell{Variant: v, Workload: w}
			if len(planned[cell]) == 0 {
				continue // a plan need not be a full matrix
			}
			slices.Sort(planned[cell])
			of := g.cells[cell]
			if of == nil {
				of = &gathered{}
			}
			delete(g.cells, cell) // what is not needed any more can go, before the next is unpacked
			slices.SortFunc(of.results, func(a, b *kept) int { return a.Repetition - b.Repetition })
			r.Cells = append(r.Cells, newCell(cell, &rec.Run.Plan, planned[cell], of, u))
		}
	}
	r.Timed = newTimed(rec)
	r.Noises = noises(rec)
	r.Warnings = warnings(r, rec, g.wrong)
	return r
}
