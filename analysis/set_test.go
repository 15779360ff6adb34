package analysis

import (
	"slices"
	"testing"
	"testing/quick"
)

// TestSetLaws checks the operations against each other and against membership.
func TestSetLaws(t *testing.T) {
	makeSet := func(in []uint8) Set {
		s := Set{}
		for _, v := range in {
			s = append(s, int(v))
		}
		slices.Sort(s)
		return slices.Compact(s)
	}
	law := func(x, y []uint8) bool {
		a, b := makeSet(x), makeSet(y)
		union, both, rest := a.Union(b), a.Intersect(b), a.Minus(b)
		for f := range 256 {
			if union.Has(f) != (a.Has(f) || b.Has(f)) || both.Has(f) != (a.Has(f) && b.Has(f)) || rest.Has(f) != (a.Has(f) && !b.Has(f)) {
				return false
			}
		}
		return slices.IsSorted(union) && len(union) == len(a)+len(b)-len(both) && len(rest) == len(a)-len(both) &&
			a.Jaccard(b) == b.Jaccard(a) && a.Jaccard(a) == 1
	}
	if err := quick.Check(law, nil); err != nil {
		t.Error(err)
	}
}
