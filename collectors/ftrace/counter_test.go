//go:build !lab

// Not in the lab, where another package's captures and the go command are out of reach.

package ftrace

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hapscope/collectors/internal/seccomp"
	"hapscope/collectors/internal/tap"
	"hapscope/internal/kernel/symbols"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// The pages and what the kernel itself printed of them; see the README there.
const captures = "../../internal/kernel/tracefs/testdata/6.12"

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(captures, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// captured is a session over a universe of just the functions of a capture,
// and the pages.
func captured(t testing.TB) (*Session, *tracefs.Layout, []byte) {
	t.Helper()
	format, err := tracefs.ParseFormat(read(t, "function.format"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := tracefs.ParseLayout(read(t, "header_page"), read(t, "header_event"))
	if err != nil {
		t.Fatal(err)
	}
	ips := make(map[string]bool)
	for line := range strings.Lines(read(t, "function.want")) {
		ips[strings.Fields(line)[3]] = true
	}
	kallsyms, list := "ffffffff80000000 T _stext\n", ""
	for _, ip := range slices.Sorted(maps.Keys(ips)) {
		kallsyms += fmt.Sprintf("%s t at_%s\n", ip, ip)
		list += fmt.Sprintf("%s at_%s\n", ip, ip)
	}
	table, err := symbols.New(symbols.Source{Kallsyms: kallsyms, Functions: list, Addresses: true})
	if err != nil {
		t.Fatal(err)
	}
	s := &Session{table: table, Tap: tap.Unarmed()}
	if s.layout, err = layoutOf(format); err != nil {
		t.Fatal(err)
	}
	return s, pages, []byte(read(t, "function.pages"))
}

func feed(t testing.TB, c *counter, l *tracefs.Layout, pages []byte) (events int) {
	t.Helper()
	var p tracefs.Page
	for ; len(pages) > 0; pages = pages[l.PageSize():] {
		if err := p.Reset(l, pages[:l.PageSize()]); err != nil {
			t.Fatal(err)
		}
		n, err := c.Page(&p)
		if err != nil {
			t.Fatal(err)
		}
		events += n
	}
	return events
}

func TestCounterAgainstKernelText(t *testing.T) {
	s, layout, pages := captured(t)
	want, lines := make(map[string]uint64), 0
	columns := map[string]record.Context{".": record.InProcess, "s": record.InSoftIRQ, "h": record.InHardIRQ, "H": record.InHardIRQ}
	for line := range strings.Lines(read(t, "function.want")) {
		f := strings.Fields(line)
		name := fmt.Sprintf("%s at_%s", columns[f[2]], f[3])
		if columns[f[2]] == record.InProcess {
			name += " of " + f[1]
		}
		want[name]++
		lines++
	}
	c := newCounter(s)
	if n := feed(t, c, layout, pages); n != lines {
		t.Errorf("%d events, the kernel printed %d", n, lines)
	}
	got := make(map[string]uint64)
	for i, f := range s.Universe() {
		for column, context := range interrupts {
			if n := c.interrupts[i*len(interrupts)+column]; n > 0 {
				got[fmt.Sprintf("%s %s", context, f.Symbol)] = n
			}
		}
	}
	for tid, functions := range c.threads {
		functions.each(func(f int, v visits) {
			got[fmt.Sprintf("%s %s of %d", record.InProcess, s.Universe()[f].Symbol, tid)] = v.n
		})
	}
	if !maps.Equal(got, want) {
		t.Errorf("counted %v\nthe kernel printed %v", got, want)
	}
	sum := newCounter(s)
	sum.take(c)
	if slices.Max(c.interrupts) != 0 || len(c.threads) != 0 || len(sum.threads) == 0 {
		t.Error("take has not moved the counts")
	}
}

// TestSidesAgainstKernelText divides the capture at each of some of its events, and
// compares with what the kernel printed before and after them.
func TestSidesAgainstKernelText(t *testing.T) {
	s, layout, pages := captured(t)
	s.identities = map[int32]record.Thread{}
	lines := strings.Split(strings.TrimSpace(read(t, "function.want")), "\n")
	for at := 0; at < len(lines); at += len(lines) / 7 {
		var tid int32
		if _, err := fmt.Sscan(strings.Fields(lines[at])[1], &tid); err != nil {
			t.Fatal(err)
		}
		want := [2]map[string]bool{{}, {}}
		for i, line := range lines {
			f := strings.Fields(line)
			if f[2] != "." {
				continue
			}
			side := 0
			if f[1] == fmt.Sprint(tid) && i > at {
				side = 1
			}
			want[side]["at_"+f[3]] = true
		}
		c := newCounter(s)
		stamp := feedAll(t, c, layout, pages, at)
		got := s.sides(c, seccomp.HeldSince(map[int32]uint64{tid: stamp}, 1))
		for side, functions := range [][]int{got.Unconfined, got.Confined} {
			names := map[string]bool{}
			for _, f := range functions {
				names[s.Universe()[f].Symbol] = true
			}
			if !maps.Equal(names, want[side]) {
				t.Errorf("thread %d held from event %d on, side %d: %d functions, want %d", tid, at, side, len(names), len(want[side]))
			}
		}
	}
}

// feedAll feeds all pages and returns the stamp of one of their events.
func feedAll(t *testing.T, c *counter, l *tracefs.Layout, pages []byte, event int) (stamp uint64) {
	t.Helper()
	feed(t, c, l, pages)
	var p tracefs.Page
	var stamps seccomp.Stamps
	for n := 0; len(pages) > 0; pages = pages[l.PageSize():] {
		if err := p.Reset(l, pages[:l.PageSize()]); err != nil {
			t.Fatal(err)
		}
		for r := p.Next(); r != nil; r = p.Next() {
			if at := stamps.Next(p.Time()); n == event {
				return at
			}
			n++
		}
	}
	t.Fatalf("there is no event %d", event)
	return 0
}

func TestVisitsOfSeveralCPUs(t *testing.T) {
	var a, b perThread
	for _, stamp := range []uint64{10, 20} {
		a.enter(300, stamp)
	}
	b.enter(300, 5)
	b.enter(7, 6)
	b.each(a.add)
	if got, want := *a.at(300), (visits{3, 5, 20}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got, want := *a.at(7), (visits{1, 6, 6}); got != want || a.count(8) != 0 {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestCounterDiscardsLaunchersAndCountsUnknown(t *testing.T) {
	s, layout, pages := captured(t)
	lines := strings.Split(strings.TrimSpace(read(t, "function.want")), "\n")
	var launcher int32
	if _, err := fmt.Sscanf(strings.Fields(lines[0])[1], "%d", &launcher); err != nil {
		t.Fatal(err)
	}
	var of, others uint64
	for _, line := range lines {
		if strings.Fields(line)[1] == fmt.Sprint(launcher) {
			of++
		} else {
			others++
		}
	}
	empty, err := symbols.New(symbols.Source{Kallsyms: "ffffffff80000000 T _stext\n", Functions: "ffffffff80000000 _stext\n", Addresses: true})
	if err != nil {
		t.Fatal(err)
	}
	s.table, s.Tap = empty, tap.Unarmed(launcher)
	c := newCounter(s)
	feed(t, c, layout, pages)
	var unknown uint64
	for _, v := range c.unknown {
		unknown += v.n
	}
	if c.launcher != of || unknown != others || slices.Max(c.interrupts) != 0 || len(c.threads) != 0 {
		t.Errorf("launcher %d, unknown %d, want %d and %d", c.launcher, unknown, of, others)
	}
}

func TestCounterRefusesOtherEvents(t *testing.T) {
	s, layout, _ := captured(t)
	var p tracefs.Page
	if err := p.Reset(layout, []byte(read(t, "markers.pages"))); err != nil {
		t.Fatal(err)
	}
	if _, err := newCounter(s).Page(&p); err == nil {
		t.Error("a marker was taken for a function entry")
	}
}

func TestColumn(t *testing.T) {
	for flags, want := range map[byte]record.Context{
		0: record.InProcess, 0x80 | 0x01: record.InProcess, // softirqs disabled, interrupts off
		0x10: record.InSoftIRQ, 0x08: record.InHardIRQ, 0x18: record.InHardIRQ, 0x40: record.InHardIRQ,
	} {
		got := record.InProcess
		if at := column(flags); at != byThread {
			got = interrupts[at]
		}
		if got != want {
			t.Errorf("flags %#x: %s, want %s", flags, got, want)
		}
	}
}

func BenchmarkCountPage(b *testing.B) {
	s, layout, pages := captured(b)
	s.Tap = tap.Unarmed(1) // a launcher to compare with, as in a run
	page := pages[:layout.PageSize()]
	c := newCounter(s)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		events += feed(b, c, layout, page)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}
