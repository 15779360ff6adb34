package filter

import "slices"

// test says of some bits of a word that they, as a number, lie in a range, or do not.
type test struct {
	mask   uint32
	lo, hi uint32
	not    bool
}

func (t test) holds(v uint32) bool {
	v &= t.mask
	return (t.lo <= v && v <= t.hi) != t.not
}

// opposite is the test that holds where t does not.
func (t test) opposite() test {
	t.not = !t.not
	return t
}

// always and never say that the answer is the same for all values: masked, none is more
// than the mask.
func (t test) always() bool { return t.opposite().never() }
func (t test) never() bool {
	if t.not {
		return t.lo == 0 && t.hi >= t.mask
	}
	return t.lo > t.mask
}

// tidy gives tests that say the same the same form: of a single bit it is always told
// which value it has, and a value of all of the uppermost bits is a range of the word.
func (t test) tidy() test {
	t = t.tidyBit()
	if rest := ^t.mask; rest&(rest+1) == 0 && t.lo == t.hi && t.lo&rest == 0 {
		return test{mask: maxWord, lo: t.lo, hi: t.lo | rest, not: t.not}
	}
	return t
}

func (t test) tidyBit() test {
	if t.mask&(t.mask-1) != 0 {
		return t
	}
	zero, one := t.holds(0), t.holds(t.mask)
	switch {
	case one && !zero:
		return test{mask: t.mask, lo: t.mask, hi: t.mask}
	case zero && !one:
		return test{mask: t.mask}
	}
	return t
}

// word is what is known of a word of the data. It is a value: nothing in it changes.
type word struct {
	in    spans  // the values that it may have ...
	tests []test // ... and what they must fulfil besides
}

// anyWord is one of which nothing is known.
func anyWord() word { return word{in: spans{{0, maxWord}}} }

// exactly is a word whose value is known.
func exactly(v uint32) word { return word{in: spans{{uint64(v), uint64(v)}}} }

func (w word) free() bool { return w.in.full(maxWord) && len(w.tests) == 0 }

func (w word) holds(v uint32) bool {
	return w.in.has(uint64(v)) && !slices.ContainsFunc(w.tests, func(t test) bool { return !t.holds(v) })
}

// with returns the word of which t is known as well, and false if there is none: then
// it is certain that there is none.
func (w word) with(t test) (word, bool) {
	if t = t.tidy(); t.mask == maxWord {
		in := spans{{uint64(t.lo), uint64(t.hi)}}
		if t.not {
			in = in.complement(maxWord)
		}
		w.in = w.in.intersect(in)
	} else if !t.always() && !slices.Contains(w.tests, t) {
		w.tests = append(slices.Clip(w.tests), t)
	}
	if len(w.tests) > 0 && w.in.size(few) < few {
		w = w.tried()
	}
	return w, !w.contradicts()
}

// tried is the same word where it has so few values that each can be tried.
func (w word) tried() word {
	var in spans
	for _, s := range w.in {
		for v := s.lo; v <= s.hi; v++ {
			if w.holds(uint32(v)) {
				in = in.union(spans{{v, v}}, maxWord)
			}
		}
	}
	return word{in: in}
}

// contradicts reports whether no value can be so. That it does not find every such
// contradiction makes a verdict weaker, never wrong.
func (w word) contradicts() bool {
	if len(w.in) == 0 {
		return true
	}
	var ones, zeros uint32
	for _, t := range w.tests {
		switch {
		case t.never(), slices.Contains(w.tests, t.opposite()):
			return true
		case t.not || t.lo != t.hi:
		case t.lo&^t.mask != 0:
			return true
		default:
			ones, zeros = ones|t.lo, zeros|t.mask&^t.lo
		}
	}
	return ones&zeros != 0
}

// few values are tried one by one.
const few = 64

// witness returns a value that is as w says, if one of those is that w itself names:
// the ends of its ranges, what its tests ask for, and both together.
func (w word) witness() (uint32, bool) {
	var ones, zeros uint32
	candidates := []uint32{0, maxWord}
	for _, s := range w.in {
		candidates = append(candidates, uint32(s.lo), uint32(s.hi))
	}
	for _, t := range w.tests {
		if !t.not && t.lo == t.hi {
			ones, zeros = ones|t.lo, zeros|t.mask&^t.lo
		}
		candidates = append(candidates, t.lo, t.hi, t.lo-1, t.hi+1, t.mask, ^t.mask)
	}
	for _, c := range candidates {
		for _, v := range []uint32{c, c&^zeros | ones} {
			if w.holds(v) {
				return v, true
			}
		}
	}
	return 0, false
}
