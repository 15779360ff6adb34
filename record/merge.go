package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Merge joins records of one plan: shards of it, whose cells differ, or further
// repetitions of the same cells by another run, which are numbered on. What two records
// hold of the same run goes in once. Records that were made otherwise are refused, with
// everything in which they differ.
func Merge(records []*Record) (*Record, error) {
	if len(records) < 2 {
		return nil, errors.New("merge records: at least two are needed")
	}
	m := &merger{out: &Record{Run: records[0].Run, Tables: map[string][]Function{}}, index: map[string]map[Function]int{}, offsets: map[string]offsets{},
		counted: map[Step]int{}, timed: map[Step]int{}}
	m.out.Run.Plan.Steps, m.out.Run.SelfTest = nil, nil
	if t := records[0].Run.Plan.Timing; t != nil {
		plan := *t
		plan.Steps = nil
		m.out.Run.Plan.Timing = &plan
	}
	var ids []string
	for _, rec := range records {
		if why := strangers(records[0], rec); len(why) > 0 {
			return nil, fmt.Errorf("merge %s with %s: they differ in %s", records[0].Run.ID, rec.Run.ID, strings.Join(why, "; "))
		}
		if err := m.take(rec); err != nil {
			return nil, fmt.Errorf("merge %s: %w", rec.Run.ID, err)
		}
		if !slices.Contains(ids, rec.Run.ID) {
			ids = append(ids, rec.Run.ID)
		}
	}
	m.out.Run.ID = strings.Join(ids, "+")
	m.repetitions()
	return m.out, m.out.Run.check()
}

// strangers says in what two records differ that makes them none of one plan.
func strangers(a, b *Record) (why []string) {
	why = append(why, differing("plan", conditions(a.Run.Plan), conditions(b.Run.Plan))...)
	note := func(what string, x, y any) {
		if !reflect.DeepEqual(x, y) {
			why = append(why, fmt.Sprintf("%s (%v and %v)", what, x, y))
		}
	}
	note("where", a.Run.Where, b.Run.Where)
	if x, y := a.kernels(), b.kernels(); len(x) > 0 && len(y) > 0 {
		note("kernel", x, y)
	}
	if a.Run.Lab != nil && b.Run.Lab != nil {
		note("lab.accelerator", a.Run.Lab.Accelerator, b.Run.Lab.Accelerator)
		note("lab.images", a.Run.Lab.Images, b.Run.Lab.Images)
	}
	for _, x := range a.Run.Tools {
		for _, y := range b.Run.Tools {
			if x.Name == y.Name && x.SHA256 != y.SHA256 {
				why = append(why, fmt.Sprintf("tool %s (%s and %s)", x.Name, x.Version, y.Version))
			}
		}
	}
	for _, place := range Places() {
		x, y := a.Run.Timed[place], b.Run.Timed[place]
		if x != nil && y != nil && x.Machine != nil && y.Machine != nil && (x.Machine.CPU != y.Machine.CPU || x.Machine.CPUs != y.Machine.CPUs || x.Machine.Release != y.Machine.Release) {
			why = append(why, fmt.Sprintf("the machine of the %s timings (Linux %s on %d × %s and Linux %s on %d × %s)", place,
				x.Machine.Release, x.Machine.CPUs, x.Machine.CPU, y.Machine.Release, y.Machine.CPUs, y.Machine.CPU))
		}
	}
	return why
}

// kernels lists the build ids of what was measured.
func (rec *Record) kernels() []string {
	seen := map[string]bool{}
	for i := range rec.Results {
		if r := &rec.Results[i]; len(r.Phases) > 0 {
			seen[r.Kernel] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// conditions is a plan without what may differ between its parts.
func conditions(p Plan) Plan {
	p.Variants, p.Workloads, p.Steps, p.Unikernels, p.Reference = nil, nil, nil, nil, ""
	p.Repetitions, p.LifecycleRepetitions, p.LifecycleWorkloads, p.Seed = 0, 0, nil, 0
	if p.Timing != nil {
		t := *p.Timing
		t.Steps, t.Repetitions = nil, 0
		p.Timing = &t
	}
	return p
}

// differing names the keys of two values' JSON that differ.
func differing(path string, a, b any) (out []string) {
	x, y := tree(a), tree(b)
	for _, key := range slices.Sorted(maps.Keys(x)) {
		y[key] = y[key] // so that keys of x alone are looked at as well
	}
	for _, key := range slices.Sorted(maps.Keys(y)) {
		if !reflect.DeepEqual(x[key], y[key]) {
			out = append(out, fmt.Sprintf("%s.%s (%s and %s)", path, key, text(x[key]), text(y[key])))
		}
	}
	return out
}

func tree(v any) map[string]any {
	b, _ := json.Marshal(v) // plans are plain data
	out := map[string]any{}
	json.Unmarshal(b, &out)
	return out
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// offsets is by how much a run's repetitions are numbered on.
type offsets struct{ counted, timed map[Cell]int }

// merger joins records.
type merger struct {
	out     *Record
	index   map[string]map[Function]int // of the tables of out
	offsets map[string]offsets          // by the run's id
	counted map[Step]int                // where in out.Results
	timed   map[Step]int                // where in out.Timings
}

// take adds a record.
func (m *merger) take(rec *Record) error {
	run, plan := &m.out.Run, &m.out.Run.Plan
	plan.LifecycleWorkloads = lifecycleWorkloads(*plan, rec.Run.Plan)
	plan.Variants, plan.Workloads = union(plan.Variants, rec.Run.Plan.Variants), union(plan.Workloads, rec.Run.Plan.Workloads)
	plan.Reference = cmp.Or(plan.Reference, rec.Run.Plan.Reference)
	m.describe(rec)
	by, again := m.offsets[rec.Run.ID]
	if !again {
		by = offsets{numberOn(plan.Steps, rec.Run.Plan.Steps), map[Cell]int{}}
		if plan.Timing != nil {
			by.timed = numberOn(plan.Timing.Steps, rec.Run.Plan.Timing.Steps)
		}
		m.offsets[rec.Run.ID] = by
		run.SelfTest = append(run.SelfTest, rec.Run.SelfTest...)
	}
	plan.Steps = addSteps(plan.Steps, rec.Run.Plan.Steps, by.counted)
	if plan.Timing != nil {
		plan.Timing.Steps = addSteps(plan.Timing.Steps, rec.Run.Plan.Timing.Steps, by.timed)
	}
	m.out.Warnings = append(m.out.Warnings, rec.Warnings...)
	tables := map[string][]int{} // where the record's functions are in those of out
	for _, r := range rec.Results {
		if _, known := tables[r.Kernel]; !known {
			tables[r.Kernel] = m.table(r.Kernel, rec.Tables[r.Kernel])
		}
		r = r.renumbered(tables[r.Kernel])
		r.Repetition += by.counted[r.Cell()]
		if err := addOnce(&m.out.Results, m.counted, r, Step{r.Cell(), r.Repetition}); err != nil {
			return err
		}
	}
	for _, t := range rec.Timings {
		t.Repetition += by.timed[t.Cell()]
		if err := addOnce(&m.out.Timings, m.timed, t, Step{t.Cell(), t.Repetition}); err != nil {
			return err
		}
	}
	return nil
}

// numberOn says for each cell of a further run after which repetition its own begin.
func numberOn(there, further []Step) map[Cell]int {
	last := map[Cell]int{}
	for _, s := range there {
		last[s.Cell] = max(last[s.Cell], s.Repetition)
	}
	by := map[Cell]int{}
	for _, s := range further {
		by[s.Cell] = last[s.Cell]
	}
	return by
}

func addSteps(there, further []Step, by map[Cell]int) []Step {
	known := map[Step]bool{}
	for _, s := range there {
		known[s] = true
	}
	for _, s := range further {
		if s.Repetition += by[s.Cell]; !known[s] {
			known[s] = true
			there = append(there, s)
		}
	}
	return there
}

// addOnce adds what is not there; at says where in all each is. Two that claim to be one
// and differ are a mistake that nobody but the user can put right.
func addOnce[T any](all *[]T, at map[Step]int, one T, s Step) error {
	i, known := at[s]
	if !known {
		at[s] = len(*all)
		*all = append(*all, one)
		return nil
	}
	x, errX := json.Marshal((*all)[i])
	y, errY := json.Marshal(one)
	if err := errors.Join(errX, errY); err != nil {
		return err
	}
	if !bytes.Equal(x, y) {
		return fmt.Errorf("two records of the run hold %s repetition %d, and differ", s.Cell, s.Repetition)
	}
	return nil
}

// table adds functions to a kernel's table and returns where they are in it.
func (m *merger) table(kernel string, functions []Function) []int {
	if m.index[kernel] == nil {
		m.index[kernel] = map[Function]int{}
	}
	index := make([]int, len(functions))
	for i, f := range functions {
		at, known := m.index[kernel][f]
		if !known {
			at = len(m.out.Tables[kernel])
			m.index[kernel][f] = at
			m.out.Tables[kernel] = append(m.out.Tables[kernel], f)
		}
		index[i] = at
	}
	return index
}

// describe adds what a record knows of where it was made.
func (m *merger) describe(rec *Record) {
	run := &m.out.Run
	if rec.Run.Created.Before(run.Created) {
		run.Created = rec.Run.Created
	}
	run.Ended = later(run.Ended, rec.Run.Ended)
	if run.Machine == nil {
		run.Machine = rec.Run.Machine
	}
	run.Variants = unionBy(run.Variants, rec.Run.Variants, func(v VariantInfo) string { return v.Name })
	run.Tools = unionBy(run.Tools, rec.Run.Tools, func(t Tool) string { return t.Name })
	timed := maps.Clone(run.Timed)
	for place, at := range rec.Run.Timed {
		switch there := timed[place]; {
		case timed == nil:
			timed = map[Place]*TimedAt{place: at}
		case there == nil || there.Machine == nil:
			timed[place] = at
		default:
			joined := *there
			joined.Variants = unionBy(there.Variants, at.Variants, func(v VariantInfo) string { return v.Name })
			joined.Tools = unionBy(there.Tools, at.Tools, func(t Tool) string { return t.Name })
			timed[place] = &joined
		}
	}
	run.Timed = timed
	unarmed := maps.Clone(run.Unarmed)
	if unarmed == nil && len(rec.Run.Unarmed) > 0 {
		unarmed = map[string]string{}
	}
	maps.Copy(unarmed, rec.Run.Unarmed)
	run.Unarmed = unarmed
	for variant, workloads := range rec.Run.Plan.Unikernels {
		all := maps.Clone(run.Plan.Unikernels)
		if all == nil {
			all = map[string]map[string]Unikernel{}
		}
		joined := maps.Clone(workloads)
		maps.Copy(joined, all[variant])
		all[variant] = joined
		run.Plan.Unikernels = all
	}
}

// later is the end of the last: none where one has not ended.
func later(a, b *time.Time) *time.Time {
	switch {
	case a == nil || b == nil:
		return nil
	case a.Before(*b):
		return b
	}
	return a
}

func union(a, b []string) []string {
	return unionBy(a, b, func(s string) string { return s })
}

// lifecycleWorkloads are those under which either plan had more than the steady phase
// observed; none where that is each workload of both.
func lifecycleWorkloads(a, b Plan) []string {
	all := func(p Plan) []string {
		if len(p.LifecycleWorkloads) == 0 {
			return p.Workloads
		}
		return p.LifecycleWorkloads
	}
	if len(a.LifecycleWorkloads)+len(b.LifecycleWorkloads) == 0 {
		return nil
	}
	return union(all(a), all(b))
}

// unionBy is all of a and what of b has a name that a has not.
func unionBy[T any](a, b []T, name func(T) string) []T {
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.ContainsFunc(out, func(o T) bool { return name(o) == name(v) }) {
			out = append(out, v)
		}
	}
	return out
}

// whole lists the repetitions of which more than the steady phase was observed: those
// of each run were its first ones.
func (m *merger) whole() (steps []Step) {
	for i := range m.out.Results {
		if r := &m.out.Results[i]; r.Phase(Boot) != nil {
			steps = append(steps, Step{r.Cell(), r.Repetition})
		}
	}
	return steps
}

// repetitions says how many there are now of a cell, at most.
func (m *merger) repetitions() {
	most := func(steps []Step) (n int) {
		count := map[Cell]int{}
		for _, s := range steps {
			count[s.Cell]++
			n = max(n, count[s.Cell])
		}
		return n
	}
	plan := &m.out.Run.Plan
	if plan.Repetitions == plan.LifecycleRepetitions { // all were observed whole
		plan.LifecycleRepetitions = most(plan.Steps)
	}
	plan.LifecycleRepetitions = max(plan.LifecycleRepetitions, most(m.whole()))
	plan.Repetitions = most(plan.Steps)
	if plan.Timing != nil {
		plan.Timing.Repetitions = most(plan.Timing.Steps)
	}
}
