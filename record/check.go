package record

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrSchema says that a record has a layout that this package does not know.
var ErrSchema = errors.New("unknown schema version")

// check tells whether a run can be read back.
func (r *Run) check() error {
	if r.Schema != SchemaVersion {
		return fmt.Errorf("schema %q: %w: this hapscope reads and writes %q", r.Schema, ErrSchema, SchemaVersion)
	}
	if r.ID == "" {
		return errors.New("id: missing")
	}
	if r.Where != "host" && r.Where != "lab" {
		return fmt.Errorf("where: %q is neither host nor lab", r.Where)
	}
	if err := r.Plan.checkSteps("plan.steps", r.Plan.Steps); err != nil {
		return err
	}
	for place, at := range r.Timed {
		if !slices.Contains(Places(), place) || at == nil {
			return fmt.Errorf("timed: place %q is none of %v, or nothing is said of it", place, Places())
		}
	}
	t := r.Plan.Timing
	if t == nil {
		return nil
	}
	if !slices.Contains([]string{"", "auto", "host", "lab"}, t.Where) {
		return fmt.Errorf("plan.timing.where: %q is none of auto, host, lab", t.Where)
	}
	return r.Plan.checkSteps("plan.timing.steps", t.Steps)
}

func (p *Plan) checkSteps(what string, steps []Step) error {
	seen := make(map[Step]bool, len(steps))
	for i, s := range steps {
		switch {
		case !slices.Contains(p.Variants, s.Variant):
			return fmt.Errorf("%s[%d]: variant %q is not among plan.variants", what, i, s.Variant)
		case !slices.Contains(p.Workloads, s.Workload):
			return fmt.Errorf("%s[%d]: workload %q is not among plan.workloads", what, i, s.Workload)
		case s.Repetition < 1:
			return fmt.Errorf("%s[%d]: repetition %d: they count from 1", what, i, s.Repetition)
		case seen[s]:
			return fmt.Errorf("%s[%d]: %s repetition %d is planned twice", what, i, s.Cell, s.Repetition)
		}
		seen[s] = true
	}
	return nil
}

// check tells whether a result is sound by itself; table holds the number of
// functions of its kernel, or is negative where that is not known.
func (r *Result) check(table int) error {
	if r.Variant == "" || r.Workload == "" || r.Repetition < 1 {
		return errors.New("variant, workload and a repetition from 1 are needed")
	}
	if err := r.Status.check(r.Reason); err != nil {
		return err
	}
	if len(r.Phases) > 0 && !buildIDForm.MatchString(r.Kernel) {
		return fmt.Errorf("kernel %q is not a build id", r.Kernel)
	}
	if (r.Status == OK || r.Status == Degraded) && len(r.Phases) == 0 {
		return fmt.Errorf("status %s without a phase", r.Status)
	}
	for i := range r.Postures {
		if err := r.Postures[i].check(); err != nil {
			return fmt.Errorf("posture %d: %w", i, err)
		}
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		if !slices.Contains(Phases(), p.Phase) {
			return fmt.Errorf("phase %q is none of %v", p.Phase, Phases())
		}
		if r.Phase(p.Phase) != p {
			return fmt.Errorf("phase %s is there twice", p.Phase)
		}
		if err := p.check(table); err != nil {
			return fmt.Errorf("phase %s: %w", p.Phase, err)
		}
		if lost := p.LostTotal(); lost > 0 && r.Status == OK {
			return fmt.Errorf("phase %s lost %d events, yet the status is ok", p.Phase, lost)
		}
	}
	return nil
}

// check tells whether a status is one, and has the reason that it needs.
func (s Status) check(reason string) error {
	switch s {
	case OK:
	case Degraded, Failed, Skipped:
		if reason == "" {
			return fmt.Errorf("status %s without a reason", s)
		}
	default:
		return fmt.Errorf("status %q is none of ok, degraded, failed, skipped", s)
	}
	return nil
}

func (p *PhaseResult) check(table int) error {
	if p.Seconds < 0 || math.IsNaN(p.Seconds) || math.IsInf(p.Seconds, 0) {
		return fmt.Errorf("%v seconds", p.Seconds)
	}
	if err := p.Sighting.check(table); err != nil {
		return err
	}
	for name, s := range p.Others {
		if s == nil {
			return fmt.Errorf("witness %s saw null", name)
		}
		if err := s.check(table); err != nil {
			return fmt.Errorf("witness %s: %w", name, err)
		}
	}
	if err := checkEvents(p.VM, VMEvents()); err != nil {
		return fmt.Errorf("virtual machines: %w", err)
	}
	if err := checkEvents(p.Vhost, VhostEvents()); err != nil {
		return fmt.Errorf("vhost: %w", err)
	}
	for name, n := range p.Syscalls {
		if name == "" || n == 0 {
			return fmt.Errorf("system call %q was made %d times", name, n)
		}
	}
	for name, n := range p.Confined {
		if n == 0 || n > p.Syscalls[name] {
			return fmt.Errorf("of %d system calls %q, %d were made behind a filter", p.Syscalls[name], name, n)
		}
	}
	return nil
}

func checkEvents[K ~string](counted map[K]map[string]uint64, kinds []K) error {
	for kind, events := range counted {
		if !slices.Contains(kinds, kind) {
			return fmt.Errorf("the kind of event %q is none of %v", kind, kinds)
		}
		for name, n := range events {
			if name == "" || n == 0 {
				return fmt.Errorf("%s %q happened %d times", kind, name, n)
			}
		}
	}
	return nil
}

func (s *Sighting) check(table int) error {
	for i, f := range s.Sample {
		if f < 0 || table >= 0 && f >= table || i > 0 && f <= s.Sample[i-1] {
			return fmt.Errorf("sample: function %d at place %d: they must ascend and be in the table, which holds %d", f, i, table)
		}
	}
	for role, seen := range s.Roles {
		if !slices.Contains(Roles(), role) || seen == nil {
			return fmt.Errorf("role %q is none of %v, or nothing is said of it", role, Roles())
		}
		if err := checkHits(seen.Functions, table); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
	}
	if err := s.Sides.check(s.Functions[InProcess]); err != nil {
		return fmt.Errorf("sides of a filter: %w", err)
	}
	for c, hits := range s.Functions {
		if !slices.Contains(Contexts(), c) {
			return fmt.Errorf("context %q is none of %v", c, Contexts())
		}
		if err := checkHits(hits, table); err != nil {
			return fmt.Errorf("context %s: %w", c, err)
		}
	}
	return nil
}

// check tells whether the sides are made up of what was entered in process context.
func (s *Sides) check(process []Hit) error {
	if s == nil {
		return nil
	}
	if s.Installed < 1 {
		return fmt.Errorf("a filter came to hold %d threads", s.Installed)
	}
	seen := map[int]bool{}
	for _, side := range [][]int{s.Unconfined, s.Confined} {
		for i, f := range side {
			if i > 0 && f <= side[i-1] {
				return fmt.Errorf("function %d after %d: they must ascend", f, side[i-1])
			}
			seen[f] = true
		}
	}
	for _, h := range process {
		if !seen[h.Function] {
			return fmt.Errorf("function %d was entered in process context and is on neither", h.Function)
		}
	}
	if len(seen) != len(process) {
		return fmt.Errorf("%d functions, and %d were entered in process context", len(seen), len(process))
	}
	return nil
}

func checkHits(hits []Hit, table int) error {
	last := -1
	for _, h := range hits {
		switch {
		case h.Function <= last:
			return fmt.Errorf("function %d after %d: hits must ascend", h.Function, last)
		case table >= 0 && h.Function >= table:
			return fmt.Errorf("function %d is outside the table, which holds %d", h.Function, table)
		case h.Count == 0:
			return fmt.Errorf("function %d was hit no times", h.Function)
		}
		last = h.Function
	}
	return nil
}
