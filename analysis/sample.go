package analysis

import (
	"maps"
	"slices"

	"hapscope/record"
)

// Sample is what one repetition gave in one phase.
type Sample struct {
	Repetition int
	Status     record.Status
	Phase      record.Phase
	Functions  map[record.Context]Set                  // nil where functions were not measured
	Syscalls   map[string]uint64                       // nil where system calls were not measured
	VM         map[record.VMEvent]map[string]uint64    // nil where virtual machines were not observed
	Vhost      map[record.VhostEvent]map[string]uint64 // nil where vhost was not observed
	Requests   int                                     // that were answered meanwhile
}

// value returns the sample's number of a metric, and whether there is one.
func (s *Sample) value(m Metric, c record.Context) (float64, bool) {
	switch {
	case m == UniqueFunctions && s.Functions != nil:
		set, ok := s.Functions[c]
		return float64(len(set)), ok
	case m == UniqueSyscalls && c == record.InProcess && s.Syscalls != nil:
		return float64(len(s.Syscalls)), true
	case m == Syscalls && c == record.InProcess && s.Syscalls != nil:
		return total(s.Syscalls), true
	case vhostEvent(m) != "" && c == record.InProcess && s.Vhost != nil:
		return total(s.Vhost[vhostEvent(m)]), true
	case c != record.InProcess || s.VM == nil:
		return 0, false
	case m == VMExitReasons:
		return float64(len(s.VM[record.VMExit])), true
	case m == VMExits:
		return total(s.VM[record.VMExit]), true
	case m == Hypercalls:
		return total(s.VM[record.Hypercall]), true
	case m == VMUserExits:
		return total(s.VM[record.VMUserExit]), true
	case m == VMExitsPerReq && s.Requests > 0:
		return total(s.VM[record.VMExit]) / float64(s.Requests), true
	}
	return 0, false
}

// vhostEvent is the kind of events of vhost that a metric counts, empty for others.
func vhostEvent(m Metric) record.VhostEvent {
	switch m {
	case VhostCalls:
		return record.VhostWork
	case VhostKicks:
		return record.VhostKick
	case VhostInterrupts:
		return record.VhostInterrupt
	}
	return ""
}

func total(counts map[string]uint64) float64 {
	var sum uint64
	for _, n := range counts {
		sum += n
	}
	return float64(sum)
}

// samples takes a measured repetition apart into its phases; base is where its
// kernel's functions begin in Report.Functions.
func samples(r *record.Result, base int) map[record.Phase]*Sample {
	out := map[record.Phase]*Sample{}
	for i := range r.Phases {
		p := &r.Phases[i]
		s := &Sample{Repetition: r.Repetition, Status: r.Status, Phase: p.Phase, Syscalls: p.Syscalls, VM: p.VM, Vhost: p.Vhost}
		if p.Phase == record.Steady && r.Load != nil {
			s.Requests = r.Load.Requests
		}
		if p.Functions != nil {
			s.Functions = map[record.Context]Set{}
			for _, c := range record.Contexts() {
				if hits, ok := p.Functions[c]; ok || always(c) {
					s.Functions[c] = setOf(hits, base)
				} else if hits, ok := elsewhere(p, c); ok {
					s.Functions[c] = setOf(hits, base)
				}
			}
			derive(s.Functions)
			addRoles(s.Functions, p.Roles, base)
		}
		out[p.Phase] = s
	}
	if create, boot := out[record.Create], out[record.Boot]; create != nil && boot != nil {
		out[CreateBoot] = join(create, boot)
	}
	return out
}

// join makes one sample of two phases. What one of them did not measure, the
// union does not know either.
func join(a, b *Sample) *Sample {
	s := &Sample{Repetition: a.Repetition, Status: a.Status, Phase: CreateBoot}
	if a.Functions != nil && b.Functions != nil {
		s.Functions = map[record.Context]Set{}
		for _, c := range record.Contexts() {
			x, inA := a.Functions[c]
			y, inB := b.Functions[c]
			if inA && inB {
				s.Functions[c] = x.Union(y)
			}
		}
		derive(s.Functions)
		joinRoles(s.Functions, a.Functions, b.Functions)
	}
	if a.Syscalls != nil && b.Syscalls != nil {
		s.Syscalls = plus(a.Syscalls, b.Syscalls)
	}
	s.VM = joinEvents(a.VM, b.VM, record.VMEvents())
	s.Vhost = joinEvents(a.Vhost, b.Vhost, record.VhostEvents())
	return s
}

func joinEvents[K comparable](a, b map[K]map[string]uint64, kinds []K) map[K]map[string]uint64 {
	if a == nil || b == nil {
		return nil
	}
	sum := map[K]map[string]uint64{}
	for _, kind := range kinds {
		if counts := plus(a[kind], b[kind]); len(counts) > 0 {
			sum[kind] = counts
		}
	}
	return sum
}

func plus(a, b map[string]uint64) map[string]uint64 {
	sum := maps.Clone(a)
	if sum == nil {
		return b
	}
	for name, n := range b {
		sum[name] += n
	}
	return sum
}

// elsewhere is what a further witness saw of a context about which the first one
// cannot tell.
func elsewhere(p *record.PhaseResult, c record.Context) (hits []record.Hit, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(p.Others)) {
		if hits, ok := p.Others[name].Functions[c]; ok {
			return hits, true
		}
	}
	return nil, false
}

// always reports whether every witness sees a context, so that its absence means
// that nothing was entered in it.
func always(c record.Context) bool { return c != record.InKthread && c != record.Unattributed }

// derive adds the contexts that are unions of recorded ones.
func derive(sets map[record.Context]Set) {
	sets[Interrupt] = sets[record.InSoftIRQ].Union(sets[record.InHardIRQ])
	sets[ProcessSoftIRQ] = sets[record.InProcess].Union(sets[record.InSoftIRQ])
	sets[Any] = sets[record.InProcess].Union(sets[Interrupt])
	if kthread, ok := sets[record.InKthread]; ok {
		sets[AnyKthread] = sets[Any].Union(kthread)
	}
}

// subtractIdle adds the context Busy to the steady samples of a cell.
func subtractIdle(samples map[record.Phase][]*Sample) {
	var idle Set
	measured := false
	for _, s := range samples[record.Idle] {
		if s.Functions != nil {
			idle, measured = idle.Union(s.Functions[record.InProcess]), true
		}
	}
	if !measured {
		return
	}
	for _, s := range samples[record.Steady] {
		if s.Functions != nil {
			s.Functions[Busy] = s.Functions[record.InProcess].Minus(idle)
		}
	}
}
