package filter

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// captured is a filter that libseccomp made; see testdata/nabla.c.
func captured(t testing.TB, name string) Program {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// calls are how many numbers are asked about: more than there are calls.
const calls = 512

func judge(t testing.TB, p *Policy, number uint32) Judgement {
	t.Helper()
	j, err := p.Judge(AMD64, number)
	if err != nil {
		t.Fatal(err)
	}
	if j.Unproven {
		t.Errorf("system call %d: unproven: %v", number, j.When)
	}
	return j
}

func TestNabla(t *testing.T) {
	for name, last := range map[string]string{"nabla-64MiB.bpf": "0x3fffe00", "nabla-6GiB.bpf": "0x180000200"} {
		t.Run(name, func(t *testing.T) {
			disk := []string{"arg0 = 4 and arg2 = 512 and arg3 ≤ " + last}
			want := map[uint32][]string{
				unix.SYS_READ: {"arg0 = 3"}, unix.SYS_WRITE: {"arg0 ∈ {1, 3}"}, unix.SYS_EXIT_GROUP: nil,
				unix.SYS_CLOCK_GETTIME: {"arg0 ∈ {0, 1}"}, unix.SYS_PPOLL: {"arg3 = 0"},
				unix.SYS_PREAD64: disk, unix.SYS_PWRITE64: disk,
			}
			got := map[uint32][]string{}
			p := New([]Program{captured(t, name)})
			for n := range uint32(calls) {
				j := judge(t, p, n)
				if j.Verdict != Denied {
					got[n] = j.When
				} else if j.Denial != "kill-thread" {
					t.Errorf("system call %d: %q", n, j.Denial)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			for _, foreign := range []struct{ arch, number uint32 }{{I386, unix.SYS_READ}, {AMD64, 1<<30 | unix.SYS_READ}} {
				if j, err := p.Judge(foreign.arch, foreign.number); err != nil || j.Verdict != Denied {
					t.Errorf("%+v: %+v, %v", foreign, j, err)
				}
			}
		})
	}
}

// Small filters by hand, where each does one thing that a verdict must get right.
func TestVerdicts(t *testing.T) {
	number := bpf.RawInstruction{Op: ldWAbs}
	low := func(arg uint32) bpf.RawInstruction { return bpf.RawInstruction{Op: ldWAbs, K: 16 + 8*arg} }
	ret := func(a Action) bpf.RawInstruction { return bpf.RawInstruction{Op: retK, K: uint32(a)} }
	jump := func(op uint16, k uint32, yes, no uint8) bpf.RawInstruction {
		return bpf.RawInstruction{Op: jmpClass | op, Jt: yes, Jf: no, K: k}
	}
	mask := func(k uint32) bpf.RawInstruction { return bpf.RawInstruction{Op: aluClass | and, K: k} }
	tests := []struct {
		name  string
		chain []Program
		want  Judgement
	}{
		{"no filter", nil, Judgement{Verdict: Allowed}},
		{"all", []Program{{ret(allow)}}, Judgement{Verdict: Allowed}},
		{"logged", []Program{{ret(log)}}, Judgement{Verdict: Allowed}},
		{"none", []Program{{ret(errno | 1)}}, Judgement{Verdict: Denied, Denial: "errno EPERM"}},
		{"an action that there is not", []Program{{ret(0x12340000)}}, Judgement{Verdict: Denied, Denial: "kill-process"}},
		{"a supervisor", []Program{{ret(userNotify)}}, Judgement{Verdict: Conditional, When: []string{"a supervisor decides"}}},
		{"the strictest of two", []Program{{ret(trap)}, {ret(errno | 38)}}, Judgement{Verdict: Denied, Denial: "trap"}},
		{"killing the process is strictest", []Program{{ret(killProcess)}, {ret(killThread)}, {ret(allow)}}, Judgement{Verdict: Denied, Denial: "kill-process"}},
		{"more than a mask", []Program{{low(0), mask(8), jump(jgt, 100, 0, 1), ret(errno | 1), ret(allow)}}, Judgement{Verdict: Allowed}},
		{"one bit, as a number", []Program{{low(0), mask(8), jump(jgt, 7, 0, 1), ret(errno | 1), ret(allow)}}, Judgement{Verdict: Conditional, When: []string{"arg0 & 8 = 0"}}},
		{"not negative", []Program{{low(0), jump(jset, 0x80000000, 0, 1), ret(errno | 9), bpf.RawInstruction{Op: ldWAbs, K: 20}, jump(jeq, 0, 1, 0), ret(errno | 9), ret(allow)}},
			Judgement{Verdict: Conditional, When: []string{"arg0 ≤ 0x7fffffff"}}},
		{"one value without a bit", []Program{{low(0), jump(jset, 4, 2, 0), jump(jeq, 3, 0, 1), ret(allow), ret(errno | 1)}},
			Judgement{Verdict: Conditional, When: []string{"arg0.low = 3"}}},
		{"a way that cannot be", []Program{{low(0), jump(jgt, 5, 0, 2), jump(jeq, 3, 0, 1), ret(killProcess), ret(allow)}}, Judgement{Verdict: Allowed}},
		{"ways that exclude each other over filters", []Program{
			{low(0), jump(jeq, 3, 0, 1), ret(allow), ret(errno | 1)}, {low(0), jump(jeq, 3, 0, 1), ret(errno | 1), ret(allow)},
		}, Judgement{Verdict: Denied, Denial: "errno EPERM"}},
		{"flags", []Program{{low(0), mask(0x7e020000), jump(jeq, 0, 0, 1), ret(allow), ret(errno | 1)}},
			Judgement{Verdict: Conditional, When: []string{"arg0 & 0x7e020000 = 0"}}},
		{"a bit of the upper half", []Program{{bpf.RawInstruction{Op: ldWAbs, K: 20}, jump(jset, 1, 0, 1), ret(errno | 1), ret(allow)}},
			Judgement{Verdict: Conditional, When: []string{"arg0 & 0x100000000 = 0"}}},
		{"all but one", []Program{{low(1), jump(jeq, 7, 0, 1), ret(errno | 1), ret(allow)}},
			Judgement{Verdict: Conditional, When: []string{"arg1.low ≠ 7"}}},
		{"the length", []Program{{bpf.RawInstruction{Op: ldxWLen}, bpf.RawInstruction{Op: txa}, jump(jeq, 64, 0, 1), ret(allow), ret(errno)}}, Judgement{Verdict: Allowed}},
		{"what cannot be told", []Program{{low(0), {Op: aluClass | add, K: 1}, jump(jeq, 8, 0, 1), ret(allow), ret(errno)}},
			Judgement{Verdict: Conditional, Unproven: true, When: []string{"cases that cannot be told apart by the arguments' values"}}},
		{"the number", []Program{{number, jump(jeq, 39, 0, 1), ret(allow), ret(errno)}}, Judgement{Verdict: Allowed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, p := range tt.chain {
				if err := p.check(); err != nil {
					t.Fatal(err)
				}
			}
			got, err := New(tt.chain).Judge(AMD64, unix.SYS_GETPID)
			if err != nil {
				t.Fatal(err)
			}
			got.clauses = nil
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(Judgement{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing": nil, "half an instruction": {6, 0, 0, 0},
		"no return": {0, 0, 0, 0, 0, 0, 0, 0}, "an unaligned load": {0x20, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0},
		"a load of a byte": {0x30, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0}, "a jump outside": {5, 0, 0, 0, 9, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0},
	} {
		if _, err := Parse(b); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestSpans(t *testing.T) {
	s := spans{{2, 3}, {7, 7}}
	if got := s.complement(9); !slices.Equal(got, spans{{0, 1}, {4, 6}, {8, 9}}) {
		t.Error(got)
	}
	if got := s.union(spans{{4, 6}}, 9); !slices.Equal(got, spans{{2, 7}}) {
		t.Error(got)
	}
	if got := (spans{{0, maxArg}}).complement(maxArg); len(got) != 0 {
		t.Error(got)
	}
}
