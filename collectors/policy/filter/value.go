package filter

// value is what a register holds: a constant, some bits of a word of the data, or
// anything.
type value struct {
	kind kind
	n    uint32 // constant; or which bits of the word
	word int    // of the data
}

type kind uint8

const (
	constant kind = iota
	bits          // of a word of the data: word & n
	unknown
)

func number(n uint32) value { return value{kind: constant, n: n} }

// load is a word of the data.
func load(word int, w *word16) value {
	if in := w[word].in; len(in) == 1 && in[0].lo == in[0].hi {
		return number(uint32(in[0].lo))
	}
	return value{kind: bits, n: maxWord, word: word}
}

// and keeps bits. Of no bits it is known that they are zero.
func (v value) and(mask uint32) value {
	if v.n &= mask; v.n == 0 && v.kind != unknown {
		return number(0)
	}
	return v
}

// alu carries out an operation of arithmetic. stops says that it may end the program
// instead, because it divides by zero: the kernel then returns 0 (bpf_convert_filter,
// net/core/filter.c).
func alu(op uint16, a, b value) (result value, stops bool) {
	zero := b.kind != constant || b.n == 0
	switch {
	case op == div && zero:
		return value{kind: unknown}, true
	case (op == lsh || op == rsh) && b.n >= 32:
		return value{kind: unknown}, false // machines differ
	case op == and && b.kind == constant:
		return a.and(b.n), false
	case op == and && a.kind == constant:
		return b.and(a.n), false
	case a.kind != constant || b.kind != constant:
		return value{kind: unknown}, false
	}
	return number(compute(op, a.n, b.n)), false
}

func compute(op uint16, a, b uint32) uint32 {
	switch op {
	case add:
		return a + b
	case sub:
		return a - b
	case mul:
		return a * b
	case div:
		return a / b
	case or:
		return a | b
	case lsh:
		return a << b
	case rsh:
		return a >> b
	case xor:
		return a ^ b
	}
	return a & b
}

// condition is what a jump asks of a value, as a test of its bits. never and always
// say that the answer does not depend on it.
func condition(op uint16, v value, k uint32) (t test, never, always bool) {
	t = test{mask: v.n, lo: k, hi: k}
	switch op {
	case jset:
		t = test{mask: v.n & k, lo: 0, hi: 0, not: true}
		never = t.mask == 0
	case jgt:
		t.lo, t.hi, never = k+1, maxWord, k == maxWord
	case jge:
		t.hi, always = maxWord, k == 0
	}
	return t, never, always
}
