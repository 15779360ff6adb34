package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hapscope/analysis/code"
	"hapscope/record"
)

// Explanation is all that a record says of one function.
type Explanation struct {
	record.Function
	Name    string
	Kernel  string     // build id
	Place   code.Place // in the kernel's source
	Reached []CellReach
	// Without lists the cells that were measured and never ran it.
	Without []record.Cell
}

// CellReach is how a cell ran a function in one recorded phase and context.
type CellReach struct {
	record.Cell
	Phase   record.Phase
	Context record.Context
	Roles   []record.Role // of the threads that ran it, in process context; none where threads were not told apart
	In, Of  int           // repetitions that ran it, and that looked
	Entries []uint64      // of each repetition that ran it, ascending
	Bounds  bool          // the entries are lower bounds
}

// Median is the median number of entries of the repetitions that ran it.
func (r CellReach) Median() float64 {
	n := len(r.Entries)
	return (float64(r.Entries[(n-1)/2]) + float64(r.Entries[n/2])) / 2
}

// UnknownFunctionError says that a record's tables have no such function.
type UnknownFunctionError struct {
	Name string
	Near []string // names that resemble it
}

func (e *UnknownFunctionError) Error() string {
	return fmt.Sprintf("no kernel of this record has a function %q that could be traced", e.Name)
}

// Explain says who reaches the functions of a name: all those of a symbol, where it is
// given without module and offset. r is the record's report.
func Explain(rec *record.Record, r *Report, name string) (out []Explanation, err error) {
	var near []string
	for _, kernel := range r.Kernels {
		for i, f := range rec.Tables[kernel] {
			full := r.names[r.universe.base[kernel]+i]
			switch {
			case name == full || name == f.Name() || name == f.Symbol:
				out = append(out, explain(rec, r, kernel, i, full))
			case resembles(f.Symbol, name):
				near = append(near, full)
			}
		}
	}
	if len(out) == 0 {
		return nil, &UnknownFunctionError{name, near}
	}
	return out, nil
}

// resembles keeps the search for a near name among tens of thousands short.
func resembles(symbol, name string) bool {
	return name != "" && symbol != "" && symbol[0] == name[0] && len(symbol)-len(name) <= 3 && len(name)-len(symbol) <= 3
}

func explain(rec *record.Record, r *Report, kernel string, function int, name string) Explanation {
	e := Explanation{Function: rec.Tables[kernel][function], Name: name, Kernel: kernel, Place: r.Place(r.universe.base[kernel] + function)}
	for _, c := range r.Cells {
		before := len(e.Reached)
		for _, phase := range record.Phases() {
			for _, context := range record.Contexts() {
				if reach := reach(rec, c.Cell, kernel, function, phase, context); reach.In > 0 {
					e.Reached = append(e.Reached, reach)
				}
			}
		}
		if len(e.Reached) == before && slices.Contains(c.Kernels, kernel) {
			e.Without = append(e.Without, c.Cell)
		}
	}
	return e
}

func reach(rec *record.Record, cell record.Cell, kernel string, function int, phase record.Phase, context record.Context) CellReach {
	out := CellReach{Cell: cell, Phase: phase, Context: context}
	for i := range rec.Results {
		res := &rec.Results[i]
		p := res.Phase(phase)
		if res.Cell() != cell || res.Kernel != kernel || !measured(res.Status) || p == nil || p.Functions == nil {
			continue
		}
		out.Of++
		n := entries(p.Functions[context], function)
		if n == 0 {
			continue
		}
		out.In++
		out.Entries = append(out.Entries, n)
		out.Bounds = out.Bounds || p.Bounds
		if context != record.InProcess {
			continue
		}
		for _, role := range record.Roles() {
			if seen := p.Roles[role]; seen != nil && entries(seen.Functions, function) > 0 && !slices.Contains(out.Roles, role) {
				out.Roles = append(out.Roles, role)
			}
		}
	}
	slices.Sort(out.Entries)
	return out
}

// entries is how often a function was entered; hits ascend.
func entries(hits []record.Hit, function int) uint64 {
	i, ok := slices.BinarySearchFunc(hits, function, func(h record.Hit, f int) int { return h.Function - f })
	if !ok {
		return 0
	}
	return hits[i].Count
}

// CellExplanation is all about one cell.
type CellExplanation struct {
	*Cell   // nil where nothing of it was to be counted
	Named   record.Cell
	Timed   []*Timed
	Private []string    // functions of the steady state, in process context, that no other variant ran under the workload
	Shared  int         // that all measured variants ran
	Alone   bool        // no other variant was measured under the workload
	Busiest []Frequency // functions of the steady state, in process context, most entered first
	// Subsystems takes the functions of the steady state, in process context, apart; Guessed
	// is how many of them were placed by their names alone.
	Subsystems []SubsystemCount
	Guessed    int
}

// SubsystemCount is how many functions of a subsystem were run.
type SubsystemCount struct {
	Name      string // a directory of the kernel's tree; empty where no one knows
	Functions int
}

// Frequency is how often the repetitions of a cell entered a function.
type Frequency struct {
	Name    string
	Entries uint64 // of all repetitions
	In      int    // repetitions
}

// busiest is how many functions are listed as such.
const busiest = 15

// ExplainCell gathers what a record has on a cell, nil where it plans none of it.
func ExplainCell(rec *record.Record, r *Report, cell record.Cell) *CellExplanation {
	e := &CellExplanation{Cell: r.Cell(cell.Variant, cell.Workload), Named: cell, Alone: true}
	for _, t := range r.Timed {
		if t.Cell == cell {
			e.Timed = append(e.Timed, t)
		}
	}
	if e.Cell == nil {
		if len(e.Timed) == 0 {
			return nil
		}
		return e
	}
	for _, s := range r.Sharings() {
		if i := slices.Index(s.Variants, cell.Variant); s.Workload == cell.Workload && i >= 0 {
			e.Alone, e.Shared, e.Private = false, len(s.Shared), r.Names(s.Private[i])
		}
	}
	e.Busiest = busy(rec, r, cell)
	e.subsystems(r)
	return e
}

func (e *CellExplanation) subsystems(r *Report) {
	sum := e.HAP()
	if sum == nil {
		return
	}
	counts := map[string]int{}
	for _, f := range sum.Union {
		p := r.Place(f)
		counts[p.Subsystem]++
		if p.Approximate {
			e.Guessed++
		}
	}
	for name, n := range counts {
		e.Subsystems = append(e.Subsystems, SubsystemCount{name, n})
	}
	slices.SortFunc(e.Subsystems, func(a, b SubsystemCount) int {
		return cmp.Or(cmp.Compare(b.Functions, a.Functions), strings.Compare(a.Name, b.Name))
	})
}

func busy(rec *record.Record, r *Report, cell record.Cell) []Frequency {
	all := map[int]*Frequency{}
	for i := range rec.Results {
		res := &rec.Results[i]
		p := res.Phase(record.Steady)
		if res.Cell() != cell || !measured(res.Status) || p == nil {
			continue
		}
		for _, h := range p.Functions[record.InProcess] {
			f := r.universe.base[res.Kernel] + h.Function
			if all[f] == nil {
				all[f] = &Frequency{Name: r.Name(f)}
			}
			all[f].Entries += h.Count
			all[f].In++
		}
	}
	var out []Frequency
	for _, b := range all {
		out = append(out, *b)
	}
	slices.SortFunc(out, func(a, b Frequency) int {
		return cmp.Or(cmp.Compare(b.Entries, a.Entries), strings.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), busiest)]
}
