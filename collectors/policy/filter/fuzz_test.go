package filter

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
)

// FuzzParse reads arbitrary bytes as a filter; what is accepted can be judged.
func FuzzParse(f *testing.F) {
	f.Add(encode(captured(f, "nabla-64MiB.bpf")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(encode(p), b) {
			t.Fatal("read otherwise than written")
		}
		New([]Program{p}).Judge(AMD64, 1)
	})
}

func encode(p Program) (b []byte) {
	for _, in := range p {
		b = binary.NativeEndian.AppendUint16(b, in.Op)
		b = binary.NativeEndian.AppendUint32(append(b, in.Jt, in.Jf), in.K)
	}
	return b
}

// FuzzJudge makes up filters and arguments, and asks the machine of golang.org/x/net
// whether the verdict and its conditions hold for them.
func FuzzJudge(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789"), []byte{1, 2, 3, 4, 5, 6, 7, 8}, false)
	f.Add(encode(captured(f, "nabla-64MiB.bpf")), []byte{3, 0, 0, 0}, true)
	f.Fuzz(func(t *testing.T, code, arguments []byte, split bool) {
		chain := []Program{made(code)}
		if split {
			chain = []Program{made(code[:len(code)/2]), made(code[len(code)/2:])}
		}
		p := New(chain)
		if p.machine == nil {
			t.Skip("the machine cannot run it")
		}
		d := dataOf(arguments, chain)
		j, err := p.Judge(d[wordArch], d[wordNumber])
		if err != nil {
			t.Fatal(err)
		}
		for shift := range len(d) { // the same values in other words
			turned := append(slices.Clone(d[2+shift%14:]), d[2:2+shift%14]...)
			copy(d[2:], turned)
			agrees(t, p, j, d)
		}
	})
}

func agrees(t *testing.T, p *Policy, j Judgement, d data) {
	t.Helper()
	a, err := p.machine.run(d)
	if err != nil {
		t.Fatal(err)
	}
	got := a.answer()
	if j.Verdict == Allowed && got != allows || j.Verdict == Denied && got != denies {
		t.Fatalf("%s, but for %x the filters say %s", j.Verdict, d, a)
	}
	if j.clauses == nil {
		return
	}
	said := denies
	for _, c := range j.clauses {
		if c.holds(d) {
			said = allows
			if c.asks != "" {
				said = asks
			}
		}
	}
	if said != got {
		t.Fatalf("for %x the filters say %s, the conditions %v otherwise", d, a, j.When)
	}
}

// made turns bytes into a filter that the kernel would accept: each six make one
// instruction. Constants are few, so that arguments often meet them.
func made(code []byte) (p Program) {
	loads := []uint16{ldWAbs, ldWAbs, ldWAbs, ldWLen, ldxWLen, ldImm, ldxImm, ldMem, ldxMem, st, stx, tax, txa}
	jumps := []uint16{jeq, jgt, jge, jset}
	sums := []uint16{add, sub, mul, div, or, and, and, and, xor, lsh, rsh}
	returns := []Action{allow, allow, errno | 1, killProcess, killThread, trap, userNotify, trace, log}
	n := min(len(code)/6, 60)
	for i := range n {
		b := code[6*i:]
		in := bpf.RawInstruction{K: constants[b[2]%byte(len(constants))]}
		switch left := n - i; b[0] % 8 {
		case 0, 1, 2:
			in.Op = loads[b[1]%byte(len(loads))]
			switch in.Op {
			case ldWAbs:
				in.K = uint32(b[2]%16) * 4
			case ldMem, ldxMem, st, stx:
				in.K = uint32(b[2] % scratchWords)
			}
		case 3:
			in.Op = aluClass | sums[b[1]%byte(len(sums))] | uint16(b[3]%2)*sourceX
			if in.Op == aluClass|div && in.K == 0 {
				in.K = 3
			}
			if in.Op == aluClass|lsh || in.Op == aluClass|rsh {
				in.K %= 32
			}
		case 4:
			in = bpf.RawInstruction{Op: retK, K: uint32(returns[b[1]%byte(len(returns))])}
		default:
			in.Op = jmpClass | jumps[b[1]%4] | uint16(b[3]/128)*sourceX
			in.Jt, in.Jf = uint8(int(b[4])%left), uint8(int(b[5])%left)
		}
		p = append(p, in)
	}
	if n == 0 || len(code)%2 == 0 {
		return append(p, bpf.RawInstruction{Op: retK, K: uint32(allow)})
	}
	return append(p, bpf.RawInstruction{Op: retA})
}

var constants = []uint32{0, 1, 2, 3, 4, 8, 0xff, 512, 0x7e020000, 0x7fffffff, 0x80000000, maxWord - 1, maxWord, uint32(allow), uint32(errno)}

// dataOf makes data of bytes: constants of the filters, values beside them, and any.
func dataOf(b []byte, chain []Program) (d data) {
	pool := slices.Clone(constants)
	for _, p := range chain {
		for _, in := range p {
			pool = append(pool, in.K, in.K+1, in.K-1)
		}
	}
	for i := range d {
		if len(b) > i {
			d[i] = pool[int(b[i])*257%len(pool)]
		}
		if at := len(d) + 4*i; len(b) >= at+4 {
			d[i] = binary.NativeEndian.Uint32(b[at:])
		}
	}
	return d
}
