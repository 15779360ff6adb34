package analysis

import (
	"slices"

	"hapscope/record"
)

// Set is a set of functions: ascending indices into Report.Functions.
type Set []int

// setOf returns the functions that were hit, by their place in the kernel's own table.
func setOf(hits []record.Hit) Set {
	s := make(Set, len(hits))
	for i, h := range hits {
		s[i] = h.Function
	}
	return s
}

// Has reports whether function f is in s.
func (s Set) Has(f int) bool {
	_, ok := slices.BinarySearch(s, f)
	return ok
}

// Union returns what is in s or in t. It may be one of the two themselves: repetitions of
// a cell mostly hit what others before them have hit.
func (s Set) Union(t Set) Set {
	switch {
	case s.includes(t):
		return s
	case t.includes(s):
		return t
	}
	out := make(Set, 0, max(len(s), len(t)))
	for len(s) > 0 && len(t) > 0 {
		switch {
		case s[0] < t[0]:
			out, s = append(out, s[0]), s[1:]
		case s[0] > t[0]:
			out, t = append(out, t[0]), t[1:]
		default:
			out, s, t = append(out, s[0]), s[1:], t[1:]
		}
	}
	return append(append(out, s...), t...)
}

// includes reports whether all of t is in s.
func (s Set) includes(t Set) bool {
	if len(t) > len(s) {
		return false
	}
	for _, f := range t {
		for len(s) > 0 && s[0] < f {
			s = s[1:]
		}
		if len(s) == 0 || s[0] != f {
			return false
		}
	}
	return true
}

// Intersect returns what is in both s and t.
func (s Set) Intersect(t Set) Set {
	out := Set{}
	for len(s) > 0 && len(t) > 0 {
		switch {
		case s[0] < t[0]:
			s = s[1:]
		case s[0] > t[0]:
			t = t[1:]
		default:
			out, s, t = append(out, s[0]), s[1:], t[1:]
		}
	}
	return out
}

// Minus returns what is in s and not in t.
func (s Set) Minus(t Set) Set {
	out := Set{}
	for _, f := range s {
		for len(t) > 0 && t[0] < f {
			t = t[1:]
		}
		if len(t) == 0 || t[0] != f {
			out = append(out, f)
		}
	}
	return out
}

// Jaccard returns how alike s and t are: common functions by all functions of
// both. Two empty sets are alike.
func (s Set) Jaccard(t Set) float64 {
	common := len(s.Intersect(t))
	all := len(s) + len(t) - common
	if all == 0 {
		return 1
	}
	return float64(common) / float64(all)
}
