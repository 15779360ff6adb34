package analysis

import (
	"slices"

	"hapscope/analysis/code"
	"hapscope/record"
)

// Report is everything that reports show of one record.
type Report struct {
	Run       *record.Run
	Functions []record.Function // of all kernels, one table after the other
	Kernels   []string          // build ids of the kernels measured, in the order of Functions
	Cells     []*Cell           // variants in the order of the plan, in each the workloads
	Timed     []*Timed          // place by place, in each like Cells
	Noises    []Noise           // of the places where it was measured
	Warnings  []Warning
	Check     *Check   // nil where none was made
	names     []string // of Functions, made unique
	universe  *universe
}

// New works a record out, as a Gathering does that was given all of its results.
func New(rec *record.Record, tables ...*code.Table) *Report {
	var g Gathering
	for i := range rec.Results {
		g.Add(rec, &rec.Results[i])
	}
	return g.Report(rec, tables...)
}

// Cell returns the named cell, or nil where it is not planned.
func (r *Report) Cell(variant, workload string) *Cell {
	for _, c := range r.Cells {
		if c.Variant == variant && c.Workload == workload {
			return c
		}
	}
	return nil
}

// Any reports whether some cell has the number.
func (r *Report) Any(key Key) bool {
	return slices.ContainsFunc(r.Cells, func(c *Cell) bool { return c.Summary(key.Phase, key.Context, key.Metric) != nil })
}

// Some reports whether some cell has more of it than nothing.
func (r *Report) Some(key Key) bool {
	return slices.ContainsFunc(r.Cells, func(c *Cell) bool { s := c.Summary(key.Phase, key.Context, key.Metric); return s != nil && s.Max > 0 })
}

// Finished returns how many repetitions of the plan the record holds, counted or timed,
// whatever came of them.
func (r *Report) Finished() (n int) {
	for _, c := range r.Cells {
		n += c.Planned - c.Spared - c.Counts[Missing]
	}
	for _, t := range r.Timed {
		n += t.Planned - t.Counts[Missing]
	}
	return n
}

// Counts returns the number of cells by status.
func (r *Report) Counts() map[record.Status]int {
	counts := map[record.Status]int{}
	for _, c := range r.Cells {
		counts[c.Status]++
	}
	return counts
}

// Emulated reports whether the machine was emulated in software, so that no
// time in the record says anything about performance.
func (r *Report) Emulated() bool { return r.Run.Lab != nil && r.Run.Lab.Accelerator != "kvm" }

// Name returns how people write a function of Functions.
func (r *Report) Name(function int) string { return r.names[function] }

// Names returns how people write the functions of a set, sorted.
func (r *Report) Names(s Set) []string {
	names := make([]string, len(s))
	for i, f := range s {
		names[i] = r.names[f]
	}
	slices.Sort(names)
	return names
}

// uniqueNames names the functions of one kernel. A name that several of them
// share gets the offset of each appended, since they are different functions.
func uniqueNames(functions []record.Function) []string {
	count := map[string]int{}
	for _, f := range functions {
		count[f.Name()]++
	}
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.Name()
		if count[names[i]] > 1 {
			names[i] = withOffset(f)
		}
	}
	return names
}
