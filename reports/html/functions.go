package html

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hapscope/analysis"
	"hapscope/record"
)

// functionList is every function that was reached, with whom it was reached by.
type functionList struct {
	Variants   []string
	Rows       []functionRow // by name
	Subsystems []string      // for the filter
	Sources    bool          // where some functions are in the kernel's source is known
	Phases     []letter
	Contexts   []letter
}

// functionRow is one function. Moments are written so that people and the page's
// script both read them: see moments.
type functionRow struct {
	Name      string
	Subsystem string
	Guessed   bool     // the subsystem, from the name
	Source    string   // file and line, where they are known
	Moments   []string // per variant
}

// letter is the short form of a phase or of a context.
type letter struct{ Short, Name string }

func phaseLetter(p record.Phase) string { return strings.ToUpper(string(p[:1])) }

// contextLetter is empty for process context, which is what one asks for mostly.
func contextLetter(c record.Context) string {
	if c == record.InProcess {
		return ""
	}
	return string(c[:1])
}

// moments writes the phases in which a function was reached: CBS in process context,
// s/BS in softirqs, h/S in hardware interrupts, k/S in kernel threads.
func moments(m analysis.Moments) string {
	var words []string
	for _, c := range analysis.MomentContexts() {
		word := ""
		for _, p := range m.Phases(c) {
			word += phaseLetter(p)
		}
		if prefix := contextLetter(c); word != "" && prefix != "" {
			word = prefix + "/" + word
		}
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// newFunctionList returns nil where nothing was reached.
func newFunctionList(r *analysis.Report) *functionList {
	reached := r.Reached()
	if len(reached) == 0 {
		return nil
	}
	used := make([]bool, len(r.Run.Plan.Variants))
	for _, f := range reached {
		for i, m := range f.Variants {
			used[i] = used[i] || m != 0
		}
	}
	out := &functionList{}
	for i, v := range r.Run.Plan.Variants {
		if used[i] {
			out.Variants = append(out.Variants, v)
		}
	}
	for _, f := range reached {
		place := r.Place(f.Function)
		row := functionRow{Name: r.Name(f.Function), Subsystem: analysis.SubsystemName(place.Subsystem), Guessed: place.Approximate && place.Subsystem != ""}
		if place.File != "" {
			row.Source, out.Sources = fmt.Sprintf("%s:%d", place.File, place.Line), true
		}
		if !slices.Contains(out.Subsystems, row.Subsystem) {
			out.Subsystems = append(out.Subsystems, row.Subsystem)
		}
		for i, m := range f.Variants {
			if used[i] {
				row.Moments = append(row.Moments, moments(m))
			}
		}
		out.Rows = append(out.Rows, row)
	}
	slices.SortStableFunc(out.Rows, func(a, b functionRow) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(out.Subsystems)
	for _, p := range record.Phases() {
		out.Phases = append(out.Phases, letter{phaseLetter(p), string(p)})
	}
	for _, c := range analysis.MomentContexts() {
		out.Contexts = append(out.Contexts, letter{contextLetter(c), string(c)})
	}
	return out
}
