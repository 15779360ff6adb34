package filter

// span is a range of numbers, both ends included.
type span struct{ lo, hi uint64 }

// spans is a set of numbers: ascending ranges that neither overlap nor touch.
type spans []span

const (
	maxWord = 1<<32 - 1
	maxArg  = 1<<64 - 1
)

// full reports whether s holds all numbers up to max.
func (s spans) full(max uint64) bool { return len(s) == 1 && s[0] == span{0, max} }

// intersect returns the numbers that are in both.
func (s spans) intersect(t spans) (out spans) {
	for _, a := range s {
		for _, b := range t {
			if lo, hi := max(a.lo, b.lo), min(a.hi, b.hi); lo <= hi {
				out = append(out, span{lo, hi})
			}
		}
	}
	return out
}

// complement returns the numbers up to max that are not in s.
func (s spans) complement(max uint64) (out spans) {
	next := uint64(0)
	for _, a := range s {
		if a.lo > next {
			out = append(out, span{next, a.lo - 1})
		}
		if a.hi == max {
			return out
		}
		next = a.hi + 1
	}
	return append(out, span{next, max})
}

// union returns the numbers up to max that are in either.
func (s spans) union(t spans, max uint64) spans {
	return s.complement(max).intersect(t.complement(max)).complement(max)
}

func (s spans) has(n uint64) bool {
	for _, a := range s {
		if a.lo <= n && n <= a.hi {
			return true
		}
	}
	return false
}

// size returns how many numbers s holds, at most limit.
func (s spans) size(limit uint64) (n uint64) {
	for _, a := range s {
		if a.hi-a.lo >= limit {
			return limit
		}
		n = min(limit, n+a.hi-a.lo+1)
	}
	return n
}
