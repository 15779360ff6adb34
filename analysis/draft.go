package analysis

import "hapscope/record"

// draft is a sample while its cell is worked out, with its sets unpacked.
type draft struct {
	*Sample
	functions map[record.Context]Set // nil where functions were not measured
	sizes     []size                 // of the report's functions; nil where they are not known
}

// drafts unpacks one phase of a cell's measured repetitions.
func drafts(of *gathered, phase record.Phase, u *universe) (out []*draft) {
	for _, r := range of.results {
		if d := r.draft(phase, u); d != nil {
			out = append(out, d)
		}
	}
	return out
}

// draft unpacks a phase, recorded or CreateBoot; nil where the repetition has none.
func (k *kept) draft(phase record.Phase, u *universe) *draft {
	if phase != CreateBoot {
		return k.recorded(phase, u)
	}
	switch create, boot := k.recorded(record.Create, u), k.recorded(record.Boot, u); {
	case boot == nil:
		return nil
	case create == nil: // nothing runs before the program: engine raw
		boot.Phase = CreateBoot
		return boot
	default:
		return join(create, boot)
	}
}

// recorded unpacks a recorded phase.
func (k *kept) recorded(phase record.Phase, u *universe) *draft {
	p, hits := k.phase(phase)
	if p == nil {
		return nil
	}
	base := u.base[k.Kernel]
	d := &draft{sizes: u.weighable(k.Kernel), Sample: &Sample{Repetition: k.Repetition, Status: k.Status, Phase: phase,
		Syscalls: p.Syscalls, VM: p.VM, Vhost: p.Vhost, Virtiofs: hits.virtiofs, confined: p.Confined, base: base}}
	if phase == record.Steady {
		d.Postures = k.Postures
		if k.Load != nil {
			d.Requests = k.Load.Requests
		}
	}
	if !hits.counted {
		return d
	}
	d.functions = map[record.Context]Set{}
	for _, s := range hits.sets {
		d.functions[s.context] = s.packed.set(base)
	}
	derive(d.functions, derived(d.functions)...)
	if hits.roles {
		derive(d.functions, Front, AllRoles)
	}
	return d
}

// join makes one sample of two phases. What one of them did not measure, the
// union does not know either.
func join(a, b *draft) *draft {
	s := &Sample{Repetition: a.Repetition, Status: a.Status, Phase: CreateBoot, base: a.base}
	d := &draft{Sample: s, sizes: a.sizes}
	if a.functions != nil && b.functions != nil {
		d.functions = map[record.Context]Set{}
		for _, c := range record.Contexts() {
			x, inA := a.functions[c]
			y, inB := b.functions[c]
			if inA && inB {
				d.functions[c] = x.Union(y)
			}
		}
		derive(d.functions, derived(d.functions)...)
		joinRoles(d.functions, a.functions, b.functions)
		joinSides(d.functions, a.functions, b.functions)
	}
	if a.Syscalls != nil && b.Syscalls != nil {
		s.Syscalls = plus(a.Syscalls, b.Syscalls)
	}
	if a.confined != nil && b.confined != nil {
		s.confined = plus(a.confined, b.confined)
	}
	s.VM = joinEvents(a.VM, b.VM, record.VMEvents())
	s.Vhost = joinEvents(a.Vhost, b.Vhost, record.VhostEvents())
	s.Virtiofs = joinEvents(a.Virtiofs, b.Virtiofs, record.VhostEvents())
	return d
}

// partsOf are the contexts of which one is the union, of unions those before it; none of
// those that are not.
func partsOf(c record.Context) []record.Context {
	switch c {
	case Interrupt:
		return []record.Context{record.InSoftIRQ, record.InHardIRQ}
	case ProcessSoftIRQ:
		return []record.Context{record.InProcess, record.InSoftIRQ}
	case Any:
		return []record.Context{ProcessSoftIRQ, record.InHardIRQ}
	case AnyKthread:
		return []record.Context{Any, record.InKthread}
	case Front:
		return roleContextsWhere(func(r record.Role) bool { return !BackEnd(r) })
	case AllRoles:
		return append(roleContextsWhere(BackEnd), Front)
	}
	return nil
}

// derived lists the unions of recorded contexts that there are.
func derived(sets map[record.Context]Set) []record.Context {
	out := []record.Context{Interrupt, ProcessSoftIRQ, Any}
	if _, ok := sets[record.InKthread]; ok {
		out = append(out, AnyKthread)
	}
	return out
}

// derive adds contexts that are unions of others, in the order in which they are given.
func derive(sets map[record.Context]Set, contexts ...record.Context) {
	for _, c := range contexts {
		union := Set{}
		for _, part := range partsOf(c) {
			union = union.Union(sets[part])
		}
		sets[c] = union
	}
}

// idle is what a cell's idle sandbox ran in process context, in any repetition, and
// whether that was measured.
func idle(of *gathered, u *universe) (all Set, measured bool) {
	for _, r := range of.results {
		if _, p := r.phase(record.Idle); p != nil && p.counted {
			set, _ := p.set(record.InProcess, u.base[r.Kernel])
			all, measured = all.Union(set), true
		}
	}
	return all, measured
}

// seal weighs the sets and packs them.
func (d *draft) seal() {
	d.sized = d.sizes != nil
	for _, c := range Contexts() {
		set, ok := d.functions[c]
		if !ok {
			continue
		}
		s := contextSet{context: c, weight: Weight{Functions: len(set)}}
		if d.sized {
			s.weight = weigh(set, d.sizes)
		}
		if len(partsOf(c)) == 0 {
			s.packed = pack(set, d.base)
		}
		d.sets = append(d.sets, s)
	}
}
