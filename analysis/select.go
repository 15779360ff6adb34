package analysis

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// ErrUnknown says that a selection names what the record does not hold.
var ErrUnknown = errors.New("not in this record")

// Selection picks functions. Empty fields mean all: the union over them.
type Selection struct {
	Variant  string
	Workload string
	Phase    record.Phase   // a recorded phase or CreateBoot
	Context  record.Context // a recorded context, Interrupt or Any
}

// Select returns the functions that the selection hit in any repetition, and
// how many repetitions were looked at. No repetition is not the same as no function.
func (r *Report) Select(sel Selection) (set Set, repetitions int, err error) {
	if err := r.known(sel); err != nil {
		return nil, 0, err
	}
	phases := record.Phases()
	if sel.Phase != "" {
		phases = []record.Phase{sel.Phase}
	}
	context := sel.Context
	if context == "" {
		context = Any
	}
	seen := map[string]bool{}
	for _, c := range r.Cells {
		if sel.Variant != "" && sel.Variant != c.Variant || sel.Workload != "" && sel.Workload != c.Workload {
			continue
		}
		for _, p := range phases {
			for _, s := range c.Samples(p) {
				if own, told := s.Set(context); told {
					set = set.Union(own)
					seen[fmt.Sprint(c.Cell, s.Repetition)] = true
				}
			}
		}
	}
	return set, len(seen), nil
}

// known refuses names that would select nothing, with those that would.
func (r *Report) known(sel Selection) error {
	phases, contexts := []string{}, []string{}
	for _, p := range Phases() {
		phases = append(phases, string(p))
	}
	for _, c := range Contexts() {
		contexts = append(contexts, string(c))
	}
	for _, f := range []struct {
		what, name string
		names      []string
	}{
		{"variant", sel.Variant, r.Run.Plan.Variants},
		{"workload", sel.Workload, r.Run.Plan.Workloads},
		{"phase", string(sel.Phase), phases},
		{"context", string(sel.Context), contexts},
	} {
		if f.name != "" && !slices.Contains(f.names, f.name) {
			return fmt.Errorf("select functions: %s %q: %w, which has %s", f.what, f.name, ErrUnknown, strings.Join(f.names, ", "))
		}
	}
	return nil
}

// withOffset names one of several functions of the same name.
func withOffset(f record.Function) string {
	name := fmt.Sprintf("%s@0x%x", f.Symbol, f.Offset)
	if f.Module != "" {
		name += " [" + f.Module + "]"
	}
	return name
}
