package filter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// clause is one way of being allowed: what must hold of each argument and of the
// instruction pointer.
type clause struct {
	numbers [arguments + 1]wide
	asks    string // who decides then, "" where it is allowed
}

// arguments of a system call. The instruction pointer comes after them.
const arguments = 6

// wide is what is known of a number of 64 bits.
type wide struct {
	in        spans // the values that it may have; nil where low and high say more than that
	low, high word
}

// conditions returns when a call is allowed, and in words. The clauses are nil where
// it is allowed in cases besides.
func conditions(ended []outcome) (clauses []clause, when []string) {
	complete := true
	for _, o := range ended {
		a := answerOf(o.returned)
		if !o.exact || a == mixed {
			complete = false
			continue
		}
		if a == denies {
			continue
		}
		c := clauseOf(&o)
		if a == asks {
			c.asks = Action(o.returned.n).String()
		}
		clauses = append(clauses, c)
	}
	clauses = merge(clauses)
	for _, c := range clauses {
		when = append(when, c.String())
	}
	slices.Sort(when)
	when = slices.Compact(when)
	if !complete {
		return nil, append(when, "cases that cannot be told apart by the arguments' values")
	}
	return clauses, when
}

func clauseOf(o *outcome) (c clause) {
	for i := range c.numbers {
		at := wordArgs + 2*i
		if i == arguments {
			at = wordPointer
		}
		c.numbers[i] = join(o.words[at], o.words[at+1])
	}
	return c
}

// join makes one number of its halves.
func join(low, high word) wide {
	if len(low.tests) > 0 || len(high.tests) > 0 {
		return wide{low: low, high: high}
	}
	whole := low.in.full(maxWord)
	if !whole && high.in.size(few) == few {
		return wide{low: low, high: high}
	}
	var in spans
	for _, h := range high.in {
		if whole {
			in = append(in, span{h.lo << 32, h.hi<<32 | maxWord})
			continue
		}
		for v := h.lo; v <= h.hi; v++ {
			for _, l := range low.in {
				in = append(in, span{v<<32 | l.lo, v<<32 | l.hi})
			}
		}
	}
	return wide{in: in.union(nil, maxArg)}
}

// mergeable bounds how many clauses are compared with one another.
const mergeable = 256

// merge puts clauses together that differ in the values of one number only.
func merge(clauses []clause) []clause {
	if len(clauses) > mergeable {
		return clauses
	}
	for i := 0; i < len(clauses); i++ {
		for j := i + 1; j < len(clauses); j++ {
			if both, ok := clauses[i].merge(&clauses[j]); ok {
				clauses[i] = both
				clauses = slices.Delete(clauses, j, j+1)
				i, j = -1, len(clauses) // what was merged may fit another now
			}
		}
	}
	return clauses
}

func (c *clause) merge(d *clause) (both clause, ok bool) {
	if c.asks != d.asks {
		return both, false
	}
	differs := -1
	for i := range c.numbers {
		if c.numbers[i].equal(&d.numbers[i]) {
			continue
		}
		if differs >= 0 {
			return both, false
		}
		differs = i
	}
	if both = *c; differs < 0 {
		return both, true
	}
	a, b := c.numbers[differs].in, d.numbers[differs].in
	if a == nil || b == nil {
		return both, false
	}
	both.numbers[differs] = wide{in: a.union(b, maxArg)}
	return both, true
}

func (w *wide) equal(v *wide) bool {
	return slices.Equal(w.in, v.in) && w.low.equal(&v.low) && w.high.equal(&v.high)
}

func (w *word) equal(v *word) bool { return slices.Equal(w.in, v.in) && sameTests(w.tests, v.tests) }

func sameTests(a, b []test) bool {
	order := func(x, y test) int {
		return cmp.Or(cmp.Compare(x.mask, y.mask), cmp.Compare(x.lo, y.lo), cmp.Compare(x.hi, y.hi))
	}
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}

// holds reports whether the clause is fulfilled by known data.
func (c *clause) holds(d data) bool {
	for i, n := range c.numbers {
		at := wordArgs + 2*i
		if i == arguments {
			at = wordPointer
		}
		low, high := d[at], d[at+1]
		if n.in != nil && !n.in.has(uint64(high)<<32|uint64(low)) || n.in == nil && !(n.low.holds(low) && n.high.holds(high)) {
			return false
		}
	}
	return true
}

// String writes the clause as people would.
func (c clause) String() string {
	var parts []string
	for i, n := range c.numbers {
		name := fmt.Sprintf("arg%d", i)
		if i == arguments {
			name = "ip"
		}
		parts = append(parts, n.words(name)...)
	}
	text := strings.Join(parts, " and ")
	switch {
	case c.asks != "" && text != "":
		return text + ": " + c.asks
	case c.asks != "":
		return c.asks
	case text == "":
		return "always"
	}
	return text
}

func (w *wide) words(name string) (parts []string) {
	if w.in != nil {
		if w.in.full(maxArg) {
			return nil
		}
		return []string{w.in.words(name, maxArg)}
	}
	for _, half := range []struct {
		word
		name  string
		shift int
	}{{w.low, ".low", 0}, {w.high, ".high", 32}} {
		if !half.in.full(maxWord) {
			parts = append(parts, half.in.words(name+half.name, maxWord))
		}
		for _, t := range half.tests {
			parts = append(parts, t.words(name, half.shift))
		}
	}
	return parts
}

// words writes what values a number called name has.
func (s spans) words(name string, max uint64) string {
	if not := s.complement(max); s.size(few) > not.size(few) {
		if points, ok := not.points(); ok {
			return name + relation("≠", "∉", points)
		}
	}
	if points, ok := s.points(); ok {
		return name + relation("=", "∈", points)
	}
	parts := make([]string, len(s))
	for i, a := range s {
		switch {
		case a.lo == a.hi:
			parts[i] = name + " = " + digits(a.lo)
		case a.lo == 0:
			parts[i] = name + " ≤ " + digits(a.hi)
		case a.hi == max:
			parts[i] = name + " ≥ " + digits(a.lo)
		default:
			parts[i] = digits(a.lo) + " ≤ " + name + " ≤ " + digits(a.hi)
		}
	}
	if len(parts) > 1 {
		return "(" + strings.Join(parts, " or ") + ")"
	}
	return parts[0]
}

// points returns the numbers of s one by one, where it has no longer ranges than two.
func (s spans) points() (out []string, ok bool) {
	for _, a := range s {
		if a.hi-a.lo > 1 {
			return nil, false
		}
		out = append(out, digits(a.lo))
		if a.hi > a.lo {
			out = append(out, digits(a.hi))
		}
	}
	return out, len(s) > 0
}

func relation(one, several string, points []string) string {
	if len(points) == 1 {
		return " " + one + " " + points[0]
	}
	return " " + several + " {" + strings.Join(points, ", ") + "}"
}

// words writes what a test asks of a number called name, of whose halves the word is
// the one that is shifted.
func (t test) words(name string, shift int) string {
	masked := fmt.Sprintf("%s & %s", name, digits(uint64(t.mask)<<shift))
	lo, hi := digits(uint64(t.lo)<<shift), digits(uint64(t.hi)<<shift)
	switch {
	case t.lo == t.hi && t.not:
		return masked + " ≠ " + lo
	case t.lo == t.hi:
		return masked + " = " + lo
	}
	in := map[bool]string{false: "in", true: "not in"}[t.not]
	return fmt.Sprintf("%s %s %s–%s", masked, in, lo, hi)
}

// digits writes small numbers, such as descriptors and sizes, in decimal and flags and
// addresses in hexadecimal.
func digits(n uint64) string {
	if n < 4096 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%#x", n)
}
