package html

import (
	"html/template"
	"slices"

	"hapscope/analysis"
	"hapscope/record"
)

// page is what the templates show.
type page struct {
	Title         string
	R             *analysis.Report
	Run           *record.Run
	Footnotes     []analysis.Footnote
	Steady        *figure // nil where nothing was to be counted
	Boot          *figure
	Timings       []timing // by place
	Published     []published
	HAP           matrix
	Start         []matrix // of create+boot, where it was measured
	Phases        []matrix // of the other phases
	Contexts      []contexts
	Weights       []contexts // the same by what functions weigh, where that is known
	Control       []control
	Converge      []convergence
	Witnesses     []analysis.Agreement
	Kthreads      []kthreads
	Sharings      []sharing
	Functions     *functionList // of all that was reached
	Subsystems    *subsystems   // nil where no sets can be compared
	Calls         []matrix      // unique and total
	CallNames     []callTable
	VM            []matrix
	VMNames       []callTable
	Layers        *layers          // nil where roles are not known
	Uses          []analysis.Use   // system calls used beside those that may be
	Postures      []analysis.Held  // what each part is held to
	Sides         []analysis.Sided // phases in which threads installed a filter
	Health        []health
	Warnings      []analysis.Warning // without those that the footnotes say, with reasons
	Colors        map[string]int     // variant → number of its colour
	Files         []rawFile          // of the run directory
	Script        template.JS
	ContentPolicy string
}

// matrix is a table of variants by workloads.
type matrix struct {
	ID        string
	Title     string
	Workloads []string
	Rows      []row
}

type row struct {
	Variant string
	Entries []entry
}

// entry is what a table shows of a cell.
type entry struct {
	Planned bool
	Status  record.Status
	S       *analysis.Summary // nil where there is no number
	Notes   []int             // footnotes
	// Count is how many of the cell's planned Repetitions have its Status.
	Count, Repetitions int
}

func newPage(r *analysis.Report, o Options) (*page, error) {
	p := &page{Title: o.Title, R: r, Run: r.Run, Footnotes: r.Footnotes(), Colors: map[string]int{},
		Files: rawFiles(r), Script: template.JS(script), ContentPolicy: contentPolicy()}
	if p.Title == "" {
		p.Title = "hapscope · " + r.Run.Plan.Scenario
	}
	for i, v := range r.Run.Plan.Variants {
		p.Colors[v] = i
	}
	var err error
	if len(r.Cells) > 0 {
		if p.Steady, err = newFigure(r, "steady", record.Steady, "Unique host-kernel functions, steady state"); err != nil {
			return nil, err
		}
	}
	if p.Timings, err = newTimings(r, p.Footnotes); err != nil {
		return nil, err
	}
	p.Published = newPublished(r)
	p.HAP = p.matrix("hap-table", "Horizontal attack profile: unique functions, steady state, process context", analysis.HAP())
	for _, phase := range analysis.Phases() {
		key := analysis.Key{Phase: phase, Context: record.InProcess, Metric: analysis.UniqueFunctions}
		switch {
		case phase == record.Steady || !p.R.Any(key):
		case phase == analysis.CreateBoot:
			p.Start = append(p.Start, p.matrix("phase-create-boot", string(phase), key))
		default:
			p.Phases = append(p.Phases, p.matrix("phase-"+string(phase), string(phase), key))
		}
	}
	if p.R.Any(analysis.Key{Phase: analysis.CreateBoot, Context: record.InProcess, Metric: analysis.UniqueFunctions}) {
		if p.Boot, err = newFigure(r, "boot", analysis.CreateBoot, "Unique host-kernel functions, create+boot"); err != nil {
			return nil, err
		}
	}
	p.Contexts = newContexts(r.Rankings(), func(k analysis.Ranking) string { return string(k.Context) })
	p.Weights = newWeights(r)
	p.Control = newControl(r)
	p.Converge = newConvergence(r)
	p.Witnesses = r.Agreements()
	for _, c := range r.Cells {
		if len(c.Kthreads) > 0 {
			p.Kthreads = append(p.Kthreads, kthreads{c.Cell, c.Kthreads})
		}
	}
	if p.Sharings, err = newSharings(r); err != nil {
		return nil, err
	}
	if p.Subsystems, err = newSubsystems(r); err != nil {
		return nil, err
	}
	p.Functions = newFunctionList(r)
	for _, c := range []struct {
		title  string
		metric analysis.Metric
	}{{"Different system calls", analysis.UniqueSyscalls}, {"Calls in total", analysis.Syscalls}} {
		key := analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: c.metric}
		if p.R.Any(key) {
			p.Calls = append(p.Calls, p.matrix("calls-"+string(c.metric), c.title, key))
		}
	}
	p.CallNames = callTables(r.SyscallTables(), "System calls", "system calls by name")
	if p.VMNames = callTables(r.VMTables(), "Events of virtual machines", "kinds of events"); len(p.VMNames) > 0 {
		p.VM = p.vmMatrices()
	}
	if p.Layers, err = newLayers(r); err != nil {
		return nil, err
	}
	p.Uses, p.Postures, p.Sides = r.Uses(), r.Postures(), r.Sides()
	p.Health = newHealth(r)
	for _, w := range r.Warnings {
		if w.Kind != analysis.WarnUnfinished && w.Kind != analysis.WarnDegraded {
			p.Warnings = append(p.Warnings, w)
		}
	}
	return p, nil
}

// published is what one source has of the record's cells.
type published struct {
	Source, Date string
	Numbers      []analysis.Published
}

// newPublished gathers published numbers by their sources.
func newPublished(r *analysis.Report) (out []published) {
	for _, n := range r.PublishedBeside() {
		i := slices.IndexFunc(out, func(p published) bool { return p.Source == n.Source && p.Date == n.Date })
		if i < 0 {
			i = len(out)
			out = append(out, published{Source: n.Source, Date: n.Date})
		}
		out[i].Numbers = append(out[i].Numbers, n)
	}
	return out
}

// vmMatrices are the tables of what virtual machines did. No hypercalls are worth a
// table; no vhost and no virtiofsd are not.
func (p *page) vmMatrices() (out []matrix) {
	steady := func(m analysis.Metric) analysis.Key {
		return analysis.Key{Phase: record.Steady, Context: record.InProcess, Metric: m}
	}
	for _, c := range []struct {
		title string
		key   analysis.Key
		has   func(analysis.Key) bool
	}{
		{"Exits", steady(analysis.VMExits), p.R.Any},
		{"Different reasons of exits", steady(analysis.VMExitReasons), p.R.Any},
		{"Hypercalls", steady(analysis.Hypercalls), p.R.Any},
		{"Exits to the monitor", steady(analysis.VMUserExits), p.R.Any},
		{"Exits per request", steady(analysis.VMExitsPerReq), p.R.Any},
		{"Work items of vhost", steady(analysis.VhostCalls), p.R.Some},
		{"Kicks to vhost", steady(analysis.VhostKicks), p.R.Some},
		{"Interrupts by vhost", steady(analysis.VhostInterrupts), p.R.Some},
		{"Requests served by virtiofsd", steady(analysis.VirtiofsRequests), p.R.Some},
		{"Kicks to virtiofsd", steady(analysis.VirtiofsKicks), p.R.Some},
	} {
		if c.has(c.key) {
			out = append(out, p.matrix("vm-"+string(c.key.Metric), c.title, c.key))
		}
	}
	return out
}

// callTable is one with its words.
type callTable struct {
	analysis.CallTable
	Label, Summary string
}

func callTables(tables []analysis.CallTable, label, summary string) (out []callTable) {
	for _, t := range tables {
		out = append(out, callTable{t, label, summary})
	}
	return out
}

func (p *page) matrix(id, title string, key analysis.Key) matrix {
	m := matrix{ID: id, Title: title, Workloads: p.Run.Plan.Workloads}
	for _, v := range p.Run.Plan.Variants {
		r := row{Variant: v}
		for _, w := range m.Workloads {
			c := p.R.Cell(v, w)
			if c == nil {
				r.Entries = append(r.Entries, entry{})
				continue
			}
			r.Entries = append(r.Entries, entry{Planned: true, Status: c.Status, S: c.Summary(key.Phase, key.Context, key.Metric),
				Notes: analysis.NumbersOf(p.Footnotes, c.Cell), Count: c.Counts[c.Status], Repetitions: c.Planned})
		}
		m.Rows = append(m.Rows, r)
	}
	return m
}

// health is a line of the table of the instrument's health.
type health struct {
	record.Cell
	N                     int
	Events, Lost, Unknown uint64
	Notes                 []analysis.Note
}

func newHealth(r *analysis.Report) (out []health) {
	for _, c := range r.Cells {
		h := health{Cell: c.Cell, N: c.Measured(), Notes: c.Notes}
		for _, p := range c.Health {
			h.Events += p.Events
			h.Lost += p.Lost
			h.Unknown += p.Unknown
		}
		if h.N > 0 || len(h.Notes) > 0 {
			out = append(out, h)
		}
	}
	return out
}

// contexts is the ranking of one workload under every choice: of contexts, or of weights.
type contexts struct {
	Workload string
	Columns  []string
	Rows     []contextRow // in the order of the first choice
	Turned   []string     // choices under which the order is another than under the first
}

type contextRow struct {
	Variant string
	Ranks   []*analysis.Rank // one per column
}

// newContexts takes the rankings of each workload one after the other, as they come.
func newContexts(rankings []analysis.Ranking, choice func(analysis.Ranking) string) (out []contexts) {
	for i, k := range rankings {
		if i == 0 || k.Workload != rankings[i-1].Workload {
			c := contexts{Workload: k.Workload}
			for _, rank := range k.Ranks {
				c.Rows = append(c.Rows, contextRow{Variant: rank.Variant})
			}
			out = append(out, c)
		}
		c := &out[len(out)-1]
		c.Columns = append(c.Columns, choice(k))
		if k.Turned {
			c.Turned = append(c.Turned, choice(k))
		}
		for i := range c.Rows {
			at := slices.IndexFunc(k.Ranks, func(rank analysis.Rank) bool { return rank.Variant == c.Rows[i].Variant })
			var rank *analysis.Rank // nil where the variant was not measured so
			if at >= 0 {
				rank = &k.Ranks[at]
			}
			c.Rows[i].Ranks = append(c.Rows[i].Ranks, rank)
		}
	}
	return out
}

// newWeights leaves out workloads of which only the number of functions is known.
func newWeights(r *analysis.Report) []contexts {
	all := newContexts(r.WeightedRankings(), func(k analysis.Ranking) string { return string(k.Metric) })
	return slices.DeleteFunc(all, func(c contexts) bool { return len(c.Columns) < 2 })
}

// control sets the idle sandbox beside the loaded one.
type control struct {
	record.Cell
	Idle, Steady, Busy *analysis.Summary
}

func newControl(r *analysis.Report) (out []control) {
	for _, c := range r.Cells {
		idle := c.Summary(record.Idle, record.InProcess, analysis.UniqueFunctions)
		if idle != nil && c.HAP() != nil {
			out = append(out, control{c.Cell, idle, c.HAP(), c.Summary(record.Steady, analysis.Busy, analysis.UniqueFunctions)})
		}
	}
	return out
}

// convergence is how the functions of a cell added up.
type convergence struct {
	record.Cell
	analysis.Convergence
	Spared int
}

func newConvergence(r *analysis.Report) (out []convergence) {
	for _, c := range r.Cells {
		if len(c.Convergence.New) > 0 {
			out = append(out, convergence{c.Cell, c.Convergence, c.Spared})
		}
	}
	return out
}

// kthreads is the work that kernel threads did for a cell's sandbox.
type kthreads struct {
	record.Cell
	Work []record.Kthread
}
