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
	Syscalls   map[string]uint64                       // nil where system calls were not measured
	VM         map[record.VMEvent]map[string]uint64    // nil where virtual machines were not observed
	Vhost      map[record.VhostEvent]map[string]uint64 // nil where vhost was not observed
	Virtiofs   map[record.VhostEvent]map[string]uint64 // kicks and interrupts; nil where threads were not told apart
	Postures   []record.Posture                        // of the steady state; nil where the policy was not read
	Requests   int                                     // that were answered meanwhile
	confined   map[string]uint64                       // those of Syscalls behind a filter; nil where they were not told apart
	sets       []contextSet                            // none where functions were not measured
	base       int                                     // of the sets in Report.Functions
	sized      bool                                    // the sizes of the functions are known
}

// Set returns the functions that were entered in a context, and whether that is known.
func (s *Sample) Set(c record.Context) (Set, bool) {
	i := slices.IndexFunc(s.sets, func(of contextSet) bool { return of.context == c })
	switch {
	case i < 0:
		return nil, false
	case s.sets[i].packed != nil:
		return s.sets[i].packed.set(s.base), true
	}
	union := Set{}
	for _, part := range partsOf(c) {
		set, _ := s.Set(part)
		union = union.Union(set)
	}
	return union, true
}

// weight returns what is entered in a context weighs, and whether that is known.
func (s *Sample) weight(c record.Context) (Weight, bool) {
	i := slices.IndexFunc(s.sets, func(of contextSet) bool { return of.context == c })
	if i < 0 {
		return Weight{}, false
	}
	return s.sets[i].weight, true
}

// value returns the sample's number of a metric, and whether there is one.
func (s *Sample) value(m Metric, c record.Context) (float64, bool) {
	switch {
	case m == AllowedSyscalls || m == ConditionalSyscalls || m == DeniedSyscalls:
		return s.permitted(m, c)
	case m == UniqueFunctions, (m == CodeBytes || m == SourceLines) && s.sized:
		w, ok := s.weight(c)
		return w.Of(m), ok
	case m == UniqueSyscalls || m == Syscalls:
		calls := s.callsIn(c)
		if m == Syscalls {
			return total(calls), calls != nil
		}
		return float64(len(calls)), calls != nil
	case vhostEvent(m) != "" && c == record.InProcess && s.Vhost != nil:
		return total(s.Vhost[vhostEvent(m)]), true
	case m == VirtiofsRequests && c == record.InProcess && s.Virtiofs != nil:
		return total(s.Virtiofs[record.VhostInterrupt]), true
	case m == VirtiofsKicks && c == record.InProcess && s.Virtiofs != nil:
		return total(s.Virtiofs[record.VhostKick]), true
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
