package analysis

import (
	"math/rand/v2"
	"slices"
	"testing"

	"hapscope/record"
)

func TestPacked(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 1000} {
		for _, base := range []int{0, 47_000} {
			hits, want := []record.Hit{}, Set{}
			f := -1
			for range n {
				f += 1 + g.IntN(1+g.IntN(300))
				hits, want = append(hits, record.Hit{Function: f, Count: 1}), append(want, base+f)
			}
			if got := packHits(hits).set(base); !slices.Equal(got, want) || got == nil {
				t.Errorf("%d hits and %d: %v, want %v", n, base, got, want)
			}
			if p := pack(want, base); !slices.Equal(p, packHits(hits)) || p == nil {
				t.Errorf("%d functions are packed in another way than hits", n)
			}
		}
	}
}

// TestUnions: a context that is the union of others is the same packed and as a draft.
func TestUnions(t *testing.T) {
	r := repetition(1, record.OK, 1, 0, 1)
	p := &r.Phases[0]
	p.Functions[record.InSoftIRQ] = []record.Hit{{Function: 1, Count: 1}}
	p.Functions[record.InKthread] = []record.Hit{{Function: 4, Count: 1}}
	p.Roles = map[record.Role]*record.RoleSighting{
		record.RoleVMM:  {Functions: []record.Hit{{Function: 0, Count: 1}}},
		record.RoleShim: {Functions: []record.Hit{{Function: 2, Count: 1}}},
	}
	const base = 10
	u := &universe{base: map[string]int{"": base}}
	d := gather(r).results[0].draft(record.Steady, u)
	d.seal()
	for c, want := range map[record.Context]Set{
		record.InProcess: {10, 12}, record.InHardIRQ: {}, Interrupt: {11}, ProcessSoftIRQ: {10, 11, 12}, Any: {10, 11, 12}, AnyKthread: {10, 11, 12, 14},
		Front: {10}, AllRoles: {10, 12}, RoleContext(record.RoleShim): {12},
	} {
		got, known := d.Set(c)
		if w, _ := d.weight(c); !known || !slices.Equal(got, want) || !slices.Equal(d.functions[c], want) || w.Functions != len(want) {
			t.Errorf("%s: %v (known: %v, weight %+v), as a draft %v, want %v", c, got, known, w, d.functions[c], want)
		}
	}
	for _, c := range []record.Context{Busy, Confined, record.Unattributed, RoleContext(record.RoleGofer)} {
		if got, known := d.Set(c); known {
			t.Errorf("%s is known: %v", c, got)
		}
	}
}
