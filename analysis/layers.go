package analysis

import (
	"slices"

	"gonum.org/v1/gonum/stat"

	"hapscope/record"
)

// Layers is the host code of one cell, by what made the host run it: process context
// by role, interrupts last.
type Layers struct {
	record.Cell
	Layers   []Layer // those that did anything, nearest to the program first
	N        int     // repetitions
	Mean     float64 // functions of all layers together
	Min, Max float64
}

// Layer is one of them.
type Layer struct {
	Context record.Context // that of a role, or Interrupt
	Own     float64        // unique functions, mean over the repetitions
	Adds    float64        // those among them that no layer before has: they add up to Layers.Mean
}

// Layer returns one of them, or nil where it did nothing.
func (l *Layers) Layer(c record.Context) *Layer {
	if i := slices.IndexFunc(l.Layers, func(l Layer) bool { return l.Context == c }); i >= 0 {
		return &l.Layers[i]
	}
	return nil
}

// LayersOf takes the steady state of every cell apart of which the roles are known.
func (r *Report) LayersOf() (out []Layers) {
	for _, c := range r.Cells {
		if l, ok := c.layers(); ok {
			out = append(out, l)
		}
	}
	return out
}

func (c *Cell) layers() (Layers, bool) {
	l := Layers{Cell: c.Cell}
	contexts := append(roleContexts(), Interrupt)
	own, adds := make([][]float64, len(contexts)), make([][]float64, len(contexts))
	var totals []float64
	for _, s := range c.samples[record.Steady] {
		if _, told := s.Set(AllRoles); !told {
			continue
		}
		below := Set{}
		for i, context := range contexts {
			set, _ := s.Set(context)
			own[i] = append(own[i], float64(len(set)))
			adds[i] = append(adds[i], float64(len(set.Minus(below))))
			below = below.Union(set)
		}
		totals = append(totals, float64(len(below)))
	}
	if l.N = len(totals); l.N == 0 {
		return l, false
	}
	l.Mean, l.Min, l.Max = stat.Mean(totals, nil), slices.Min(totals), slices.Max(totals)
	for i, context := range contexts {
		if mean := stat.Mean(own[i], nil); mean > 0 {
			l.Layers = append(l.Layers, Layer{context, mean, stat.Mean(adds[i], nil)})
		}
	}
	return l, true
}

// LayerName is how people call a layer.
func LayerName(c record.Context) string {
	if role := RoleOf(c); role != "" {
		return string(role)
	}
	return "interrupts"
}

// LayerContexts lists the layers that any of the cells has, nearest to the program
// first.
func LayerContexts(all []Layers) (out []record.Context) {
	used := map[record.Context]bool{}
	for _, l := range all {
		for _, layer := range l.Layers {
			used[layer.Context] = true
		}
	}
	for _, c := range append(roleContexts(), Interrupt) {
		if used[c] {
			out = append(out, c)
		}
	}
	return out
}
