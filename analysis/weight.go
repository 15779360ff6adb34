package analysis

import (
	"fmt"
	"slices"

	"hapscope/analysis/code"
)

// Weight is how much code a set of functions is, each of them once.
type Weight struct {
	Functions int
	Bytes     int // of machine code, of those whose size is known
	Lines     int // of source, of those whose lines are known
	Unsized   int // functions of which one of the two is not known
}

// Weights lists the metrics by which a set of functions can be weighed: by number, and
// by how much code they are. None is agreed upon, and they may differ in the order of
// sandboxes.
func Weights() []Metric { return []Metric{UniqueFunctions, CodeBytes, SourceLines} }

// Of is the weight by one of Weights.
func (w Weight) Of(m Metric) float64 {
	switch m {
	case CodeBytes:
		return float64(w.Bytes)
	case SourceLines:
		return float64(w.Lines)
	}
	return float64(w.Functions)
}

// size is what a function weighs: 8 bytes, because those of all functions are looked up
// for every set of every repetition.
type size struct{ bytes, lines int32 }

// weigh adds up the sizes of a set's functions.
func weigh(s Set, sizes []size) Weight {
	w := Weight{Functions: len(s)}
	for _, f := range s {
		of := sizes[f]
		w.Bytes += int(of.bytes)
		w.Lines += int(of.lines)
		if of.bytes == 0 || of.lines == 0 {
			w.Unsized++
		}
	}
	return w
}

// Place is where a function of Functions is in the kernel's source.
func (r *Report) Place(function int) code.Place { return r.universe.places[function] }

// Weigh returns the weight of a set of Functions.
func (r *Report) Weigh(s Set) Weight { return weigh(s, r.universe.sizes) }

// Exact reports whether the sizes of a kernel's functions are known, by its build id.
func (r *Report) Exact(kernel string) bool { return r.universe.weighable(kernel) != nil }

// plus is the weight of both of two sets that have no function in common.
func (w Weight) plus(v Weight) Weight {
	return Weight{w.Functions + v.Functions, w.Bytes + v.Bytes, w.Lines + v.Lines, w.Unsized + v.Unsized}
}

// unknownCode says in words of how many functions that ran, in any cell and phase, place
// or size are not known; by kernel.
func (r *Report) unknownCode() (out []string) {
	for _, kernel := range r.measuredKernels() {
		ran := r.ran(kernel)
		guessed, unplaced, unsized := 0, 0, 0
		for _, f := range ran {
			switch p := r.Place(f); {
			case p.Approximate && p.Subsystem == "":
				unplaced++
			case p.Approximate:
				guessed++
			case p.Bytes == 0 || p.Lines == 0:
				unsized++
			}
		}
		switch {
		case len(ran) == 0:
		case !r.Exact(kernel):
			out = append(out, fmt.Sprintf("there is no table of the source of kernel %s, so code-bytes and source-lines are not known, and of %d functions the subsystem is guessed by their names; of %d more it is not known (`hapscope kernel-table` makes the table)",
				short(kernel), guessed, unplaced))
		case guessed+unplaced+unsized > 0:
			out = append(out, fmt.Sprintf("of %d of the %d functions of kernel %s that ran the size is not known: they count nothing in code-bytes and source-lines, which are lower bounds",
				guessed+unplaced+unsized, len(ran), short(kernel)))
		}
	}
	return out
}

// ran returns the functions of a kernel that ran in any cell, phase and context.
func (r *Report) ran(kernel string) (all Set) {
	for _, c := range r.Cells {
		if !slices.Contains(c.Kernels, kernel) {
			continue
		}
		for phase := range c.samples {
			if s := c.Summary(phase, Any, UniqueFunctions); s != nil {
				all = all.Union(s.Union)
			}
		}
	}
	return all
}

// short is as much of a build id as tells kernels apart, as in record.TableFile.
func short(build string) string { return build[:min(12, len(build))] }
