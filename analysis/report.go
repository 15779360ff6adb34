package analysis

import (
	"maps"
	"slices"

	"hapscope/record"
)

// Report is everything that reports show of one record.
type Report struct {
	Run       *record.Run
	Functions []record.Function // of all kernels, one table after the other
	Kernels   []string          // build ids of the kernels measured, in the order of Functions
	Cells     []*Cell           // variants in the order of the plan, in each the workloads
	Warnings  []Warning
	names     []string // of Functions, made unique
}

// New works a record out. The record must not change afterwards.
func New(rec *record.Record) *Report {
	r := &Report{Run: &rec.Run, Kernels: slices.Sorted(maps.Keys(rec.Tables))}
	base := map[string]int{}
	for _, kernel := range r.Kernels {
		base[kernel] = len(r.Functions)
		r.Functions = append(r.Functions, rec.Tables[kernel]...)
		r.names = append(r.names, uniqueNames(rec.Tables[kernel])...)
	}
	planned := map[record.Cell][]int{}
	for _, s := range rec.Run.Plan.Steps {
		planned[s.Cell] = append(planned[s.Cell], s.Repetition)
	}
	results := map[record.Cell][]*record.Result{}
	for i := range rec.Results {
		c := rec.Results[i].Cell()
		results[c] = append(results[c], &rec.Results[i])
	}
	for _, v := range rec.Run.Plan.Variants {
		for _, w := range rec.Run.Plan.Workloads {
			cell := record.Cell{Variant: v, Workload: w}
			if len(planned[cell]) == 0 {
				continue // a plan need not be a full matrix
			}
			slices.Sort(planned[cell])
			slices.SortFunc(results[cell], func(a, b *record.Result) int { return a.Repetition - b.Repetition })
			r.Cells = append(r.Cells, newCell(cell, &rec.Run.Plan, planned[cell], results[cell], base))
		}
	}
	r.Warnings = warnings(r, rec)
	return r
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
