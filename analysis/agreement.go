package analysis

import (
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// Agreement compares what two witnesses saw of the same moments: the steady
// phase of all repetitions of a cell, in process context.
type Agreement struct {
	record.Cell
	A, B    string // names of the witnesses, the first of the plan being A
	N       int    // repetitions
	Sample  int    // functions that the second witness observed, where those were not all
	Both    int    // functions that both saw in the same repetition, summed over repetitions
	Either  int    // functions that any of the two saw, summed over repetitions
	Worst   float64
	Dissent []Dissent // functions on which they disagreed in any repetition
}

// Dissent is a function that only one of two witnesses saw.
type Dissent struct {
	Function int    // in Report.Functions
	Witness  string // that saw it
	N        int    // in how many repetitions
	Entries  uint64 // together
	Reason   string
}

// Jaccard is the mean similarity: functions that both saw, by those that any saw.
func (a Agreement) Jaccard() float64 {
	if a.Either == 0 {
		return 1
	}
	return float64(a.Both) / float64(a.Either)
}

// Agreements compares the first witness with each further one, cell by cell.
func (r *Report) Agreements() (out []Agreement) {
	for _, c := range r.Cells {
		out = append(out, c.agreements...)
	}
	for i := range out {
		for j := range out[i].Dissent {
			d := &out[i].Dissent[j]
			d.Reason = reason(r.Functions[d.Function], d)
		}
	}
	return out
}

// agreements compares the first witness with each further one in one phase of one
// repetition. Functions are by their place in the kernel's own table.
func agreements(cell record.Cell, first string, p *record.PhaseResult) (out []Agreement) {
	for name, other := range p.Others {
		a := Agreement{Cell: cell, A: first, B: name, Sample: len(other.Sample), Worst: 1}
		a.compare(within(p.Functions[record.InProcess], other.Sample), other.Functions[record.InProcess])
		out = append(out, a)
	}
	return out
}

// joinAgreements adds up those of a cell's repetitions.
func joinAgreements(results []*kept, base map[string]int) (out []Agreement) {
	for _, r := range results {
		_, p := r.phase(record.Steady)
		if p == nil {
			continue
		}
		for _, one := range p.beside {
			i := slices.IndexFunc(out, func(a Agreement) bool { return a.B == one.B })
			if i < 0 {
				i = len(out)
				out = append(out, Agreement{Cell: one.Cell, A: one.A, B: one.B, Worst: 1})
			}
			out[i].join(one, base[r.Kernel])
		}
	}
	slices.SortFunc(out, func(a, b Agreement) int { return strings.Compare(a.B, b.B) })
	return out
}

// join adds a repetition, to whose functions base is added.
func (a *Agreement) join(one Agreement, base int) {
	a.N += one.N
	a.Both += one.Both
	a.Either += one.Either
	a.Worst, a.Sample = min(a.Worst, one.Worst), max(a.Sample, one.Sample)
	for _, d := range one.Dissent {
		d.Function += base
		i := slices.IndexFunc(a.Dissent, func(o Dissent) bool { return o.Function == d.Function && o.Witness == d.Witness })
		if i < 0 {
			a.Dissent = append(a.Dissent, d)
			continue
		}
		a.Dissent[i].N += d.N
		a.Dissent[i].Entries += d.Entries
	}
}

// within keeps the hits of functions in the sample, all of them where it is nil.
func within(hits []record.Hit, sample []int) []record.Hit {
	if sample == nil {
		return hits
	}
	return slices.DeleteFunc(slices.Clone(hits), func(h record.Hit) bool {
		_, in := slices.BinarySearch(sample, h.Function)
		return !in
	})
}

func (a *Agreement) compare(first, second []record.Hit) {
	x, y := setOf(first), setOf(second)
	both, either := len(x.Intersect(y)), len(x.Union(y))
	a.N++
	a.Both += both
	a.Either += either
	if either > 0 {
		a.Worst = min(a.Worst, float64(both)/float64(either))
	}
	a.dissent(a.A, x.Minus(y), first)
	a.dissent(a.B, y.Minus(x), second)
}

func (a *Agreement) dissent(witness string, only Set, hits []record.Hit) {
	for _, f := range only {
		a.Dissent = append(a.Dissent, Dissent{Function: f, Witness: witness, N: 1, Entries: entries(hits, f)})
	}
}

// duringSwitch are functions that context_switch (kernel/sched/core.c) calls after
// the tracepoint sched_switch, on x86.
var duringSwitch = []string{"switch_mm_irqs_off", "switch_ldt", "save_fpregs_to_fpstate", "load_new_mm_cr3", "cr4_update_irqsoff", "cr4_update_pce", "choose_new_asid", "enter_lazy_tlb"}

// Differing lists functions on which witnesses are known to differ.
func Differing() []string { return slices.Clone(duringSwitch) }

// Unexplained is the reason of a difference that has no known one.
const Unexplained = "not explained"

// reason says why two witnesses differ on a function, as far as its name and
// entries tell.
func reason(f record.Function, d *Dissent) string {
	switch {
	case slices.Contains(duringSwitch, f.Symbol):
		return "runs between the tracepoint sched_switch and the switch itself, when ftrace's pid filter already waits for the next thread and the current one is still the previous: ftrace sees it for neither"
	case strings.Contains(f.Symbol, "bpf") || strings.HasPrefix(f.Symbol, "__htab_") || strings.HasPrefix(f.Symbol, "htab_"):
		return "belongs to the witness's own programs"
	case strings.HasPrefix(f.Symbol, "ftrace_") || strings.HasPrefix(f.Symbol, "trace_") || strings.HasPrefix(f.Symbol, "ring_buffer_") || strings.HasPrefix(f.Symbol, "rb_"):
		return "belongs to the tracer's own path"
	case d.Entries <= uint64(3*d.N):
		return fmt.Sprintf("entered %d times: at the edge of the phase, which begins and ends at slightly different moments for each witness, or around an interrupt or a context switch", d.Entries)
	}
	return Unexplained
}
