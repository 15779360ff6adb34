package filter

import "golang.org/x/net/bpf"

// word16 is what is known of the words of struct seccomp_data. On a little-endian
// machine, which is all that hapscope runs on, the lower half of each number of 64 bits
// comes first.
type word16 [dataSize / 4]word

// Words of struct seccomp_data.
const (
	wordNumber  = 0
	wordArch    = 1
	wordPointer = 2 // instruction pointer
	wordArgs    = 4
)

// outcome is where one way through the filters ends.
type outcome struct {
	returned value  // constant or unknown
	words    word16 // under which the way is taken
	exact    bool   // it is taken whenever words is as it says
}

// maxWays bounds how many ways are followed. Filters that compilers of policies make
// have a few dozen for one call.
const maxWays = 1 << 12

// way is a way under way.
type way struct {
	at      int
	a, x    value
	scratch [scratchWords]value
	outcome
}

// explorer follows the ways through one filter.
type explorer struct {
	program Program
	ways    []way
	ended   []outcome
	steps   int // that are left
}

// explore returns where the ways lead on which words is as given; ok is false where
// they are too many.
func explore(p Program, words word16, exact bool) (ended []outcome, ok bool) {
	e := &explorer{program: p, steps: maxWays * 64}
	e.ways = []way{{outcome: outcome{words: words, exact: exact}}}
	for len(e.ways) > 0 {
		w := e.ways[len(e.ways)-1]
		e.ways = e.ways[:len(e.ways)-1]
		for e.step(&w) {
			if e.steps--; e.steps < 0 {
				return nil, false
			}
		}
		if len(e.ended)+len(e.ways) > maxWays {
			return nil, false
		}
	}
	return e.ended, true
}

// step carries out one instruction and reports whether the way goes on.
func (e *explorer) step(w *way) bool {
	in := e.program[w.at]
	w.at++
	switch in.Op {
	case retK:
		return e.end(w, number(in.K))
	case retA:
		if w.a.kind == bits {
			w.a.kind = unknown
		}
		return e.end(w, w.a)
	case ja:
		w.at += int(in.K)
		return true
	}
	switch in.Op & classOf {
	case jmpClass:
		return e.jump(w, in)
	case aluClass:
		return e.compute(w, in)
	}
	w.move(in)
	return true
}

func (e *explorer) end(w *way, returned value) bool {
	w.returned = returned
	e.ended = append(e.ended, w.outcome)
	return false
}

// move carries out loads, stores and copies.
func (w *way) move(in bpf.RawInstruction) {
	switch in.Op {
	case ldWAbs:
		w.a = load(int(in.K/4), &w.words)
	case ldImm:
		w.a = number(in.K)
	case ldxImm:
		w.x = number(in.K)
	case ldWLen:
		w.a = number(dataSize)
	case ldxWLen:
		w.x = number(dataSize)
	case ldMem:
		w.a = w.scratch[in.K]
	case ldxMem:
		w.x = w.scratch[in.K]
	case st:
		w.scratch[in.K] = w.a
	case stx:
		w.scratch[in.K] = w.x
	case tax:
		w.x = w.a
	case txa:
		w.a = w.x
	}
}

// operand is what an instruction takes besides A.
func (w *way) operand(in bpf.RawInstruction) value {
	if in.Op&sourceX != 0 {
		return w.x
	}
	return number(in.K)
}

func (e *explorer) compute(w *way, in bpf.RawInstruction) bool {
	if in.Op == neg {
		if w.a.kind == constant {
			w.a.n = -w.a.n
		} else {
			w.a.kind = unknown
		}
		return true
	}
	divisor := w.operand(in)
	var stops bool
	w.a, stops = alu(in.Op&opOf, w.a, divisor)
	if !stops {
		return true
	}
	stopped := *w
	stopped.exact = stopped.exact && divisor.kind == constant
	e.end(&stopped, number(0))
	w.exact = false
	return divisor.kind != constant
}

// jump follows both ways where either can be taken: w the one, a copy the other.
func (e *explorer) jump(w *way, in bpf.RawInstruction) bool {
	op, a, b := in.Op&opOf, w.a, w.operand(in)
	if a.kind == constant && b.kind == bits && (op == jeq || op == jset) {
		a, b = b, a
	}
	other := *w
	w.at, other.at = w.at+int(in.Jt), other.at+int(in.Jf)
	if a.kind == unknown || b.kind != constant {
		w.exact, other.exact = false, false
		e.ways = append(e.ways, other)
		return true
	}
	yes, no := w.decide(a, b.n, op, true), other.decide(a, b.n, op, false)
	switch {
	case yes && no:
		e.ways = append(e.ways, other)
	case no:
		*w = other
	}
	return yes || no
}

// decide notes what a jump's answer says, and reports whether it can be that answer.
func (w *way) decide(a value, k uint32, op uint16, answer bool) bool {
	if a.kind == constant {
		t, never, always := condition(op, value{n: maxWord}, k)
		return (always || !never && t.holds(a.n)) == answer
	}
	t, never, always := condition(op, a, k)
	if never || always {
		return always == answer
	}
	if !answer {
		t = t.opposite()
	}
	var possible bool
	w.words[a.word], possible = w.words[a.word].with(t)
	return possible
}
