package symbols

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func read(t testing.TB, kernel, name string) string {
	b, err := os.ReadFile(filepath.Join("testdata", kernel, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func table(t testing.TB, kernel string, addresses bool) *Table {
	list := "available_filter_functions"
	if addresses {
		list += "_addrs"
	}
	var veth uint64
	if _, err := fmt.Sscanf(read(t, kernel, "sections"), "veth 0x%x", &veth); err != nil {
		t.Fatal(err)
	}
	tab, err := New(Source{
		Kallsyms: read(t, kernel, "kallsyms"), Functions: read(t, kernel, list), Addresses: addresses,
		ModuleText: func(string) uint64 { return veth },
	})
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// Where the kernel gives addresses, they are what placing by name must find.
func TestNamesGiveTheSameAsAddresses(t *testing.T) {
	exact, byName := table(t, "6.12", true), table(t, "6.12", false)
	if !slices.Equal(exact.Functions, byName.Functions) {
		t.Errorf("by address %v\nby name    %v", exact.Functions, byName.Functions)
	}
	if byName.Ambiguous != 0 || exact.Untraceable != byName.Untraceable {
		t.Errorf("ambiguous %d, untraceable %d and %d", byName.Ambiguous, exact.Untraceable, byName.Untraceable)
	}
	for _, tab := range []*Table{exact, byName} {
		for n, line := range strings.Split(strings.TrimSpace(read(t, "6.12", "available_filter_functions_addrs")), "\n") {
			hex, name, _ := strings.Cut(line, " ")
			ip, _ := parseHex(hex)
			i := tab.Lookup(ip)
			if i < 0 || tab.Functions[i].Name() != name {
				t.Errorf("line %d: Lookup(%s) = %d, want %s", n, hex, i, name)
			}
		}
	}
}

func TestTable(t *testing.T) {
	for _, c := range []struct {
		kernel    string
		addresses bool
		invalid   int
	}{
		{kernel: "6.12", addresses: true},
		{kernel: "6.1", addresses: false, invalid: 6},
	} {
		t.Run(c.kernel, func(t *testing.T) {
			tab := table(t, c.kernel, c.addresses)
			if tab.Invalid != c.invalid || tab.Ambiguous != 0 {
				t.Errorf("invalid %d, ambiguous %d, want %d and 0", tab.Invalid, tab.Ambiguous, c.invalid)
			}
			if tab.Untraceable == 0 {
				t.Error("no untraceable functions: the excerpt has some")
			}
			for i, f := range tab.Functions {
				if i > 0 {
					before := tab.Functions[i-1]
					if before.Module > f.Module || before.Module == f.Module && before.Offset >= f.Offset {
						t.Errorf("%v before %v", before, f)
					}
				}
				if f.Offset > 1<<30 {
					t.Errorf("%v: the offset is an address", f)
				}
			}
			// Both names of the system call's function find it.
			i, j := tab.Find("", "__do_sys_getppid"), tab.Find("", "__x64_sys_getppid")
			if i < 0 || i != j {
				t.Errorf("getppid is found as %d and %d", i, j)
			}
			if tab.Find("", "no such function") != -1 || tab.Lookup(0) != -1 || tab.Lookup(1) != -1 {
				t.Error("something was found that is not there")
			}
			if tab.Find("veth", "veth_xmit") < 0 {
				t.Error("veth_xmit [veth] is not found")
			}
		})
	}
}

// A module that is loaded later adds its functions behind the others.
func TestExtend(t *testing.T) {
	whole := table(t, "6.12", true)
	without := func(text, module string) string {
		var lines []string
		for line := range strings.Lines(text) {
			if !strings.Contains(line, "["+module+"]") {
				lines = append(lines, line)
			}
		}
		return strings.Join(lines, "")
	}
	early, err := New(Source{
		Kallsyms:  without(read(t, "6.12", "kallsyms"), "veth"),
		Functions: without(read(t, "6.12", "available_filter_functions_addrs"), "veth"), Addresses: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(early.Functions)
	added := early.Extend(whole)
	if len(added) == 0 || !slices.Equal(early.Functions[:len(before)], before) || len(early.Functions) != len(whole.Functions) {
		t.Fatalf("%d were added to %d, want %d in all", len(added), len(before), len(whole.Functions))
	}
	for _, i := range added {
		f := early.Functions[i]
		w := whole.Find("veth", f.Symbol)
		if f.Module != "veth" || early.Find("veth", f.Symbol) != i || w < 0 || early.Address(i) != whole.Address(w) {
			t.Errorf("%d is %+v at %#x", i, f, early.Address(i))
		}
	}
	for _, slot := range whole.byIP.slots {
		if slot.ip != 0 && early.Functions[early.Lookup(slot.ip)] != whole.Functions[slot.index] {
			t.Errorf("%#x is %v", slot.ip, early.Functions[early.Lookup(slot.ip)])
		}
	}
	if early.Untraceable != whole.Untraceable {
		t.Errorf("%d untraceable, want %d", early.Untraceable, whole.Untraceable)
	}
	if again := early.Extend(whole); len(again) != 0 {
		t.Errorf("%d were added again", len(again))
	}
}

func TestPlaceByName(t *testing.T) {
	text := []symbol{
		{10, "a", ""}, {20, "dup", ""}, {30, "b", ""}, {40, "dup", ""}, {50, "c", ""}, {45, "dup", ""},
		{5, "a", "m"}, {60, "tail", ""}, {70, "tail", ""},
	}
	for _, c := range []struct {
		name      string
		sites     []string
		want      []uint64
		ambiguous int
	}{
		{"below", []string{"a", "dup", "b"}, []uint64{10, 20, 30}, 0},
		{"above", []string{"b", "dup", "c"}, []uint64{30, 40, 50}, 1},
		{"both above", []string{"b", "dup", "dup", "c"}, []uint64{30, 40, 45, 50}, 0},
		{"all", []string{"dup", "b", "dup", "dup"}, []uint64{20, 30, 40, 45}, 0},
		{"open end", []string{"c", "tail"}, []uint64{50, 60}, 1},
		{"not there", []string{"a", "gone", "b"}, []uint64{10, 0, 30}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sites []site
			for _, name := range c.sites {
				sites = append(sites, site{name: name})
			}
			got, ambiguous := placeByName(sites, text)
			if !slices.Equal(got, c.want) || ambiguous != c.ambiguous {
				t.Errorf("placed %v, %d ambiguous, want %v, %d", got, ambiguous, c.want, c.ambiguous)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	good := "ffffffff81000000 T _text\nffffffff81000010 T f\n"
	for name, s := range map[string]Source{
		"hidden addresses":     {Kallsyms: "0000000000000000 T _text\n", Functions: "f\n"},
		"no text":              {Kallsyms: "ffffffff81000010 T f\n", Functions: "f\n"},
		"bad symbol":           {Kallsyms: "x\n", Functions: "f\n"},
		"bad address":          {Kallsyms: "g T _text\n", Functions: "f\n"},
		"no functions":         {Kallsyms: good},
		"unknown function":     {Kallsyms: good, Functions: "g\n"},
		"zero site":            {Kallsyms: good, Functions: "0 f\n", Addresses: true},
		"site without address": {Kallsyms: good, Functions: "f\n", Addresses: true},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(s); err == nil {
				t.Error("no error")
			}
		})
	}
}

func FuzzKallsyms(f *testing.F) {
	for _, kernel := range []string{"6.12", "6.1"} {
		f.Add(read(f, kernel, "kallsyms"), read(f, kernel, "available_filter_functions"), false)
	}
	f.Add(read(f, "6.12", "kallsyms"), read(f, "6.12", "available_filter_functions_addrs"), true)
	f.Fuzz(func(t *testing.T, kallsyms, functions string, addresses bool) {
		tab, err := New(Source{Kallsyms: kallsyms, Functions: functions, Addresses: addresses})
		if err != nil {
			return
		}
		if n := strings.Count(functions, "\n") + 1; len(tab.Functions) > n {
			t.Errorf("%d functions from %d lines", len(tab.Functions), n)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	tab := table(b, "6.12", true)
	var ips []uint64
	for line := range strings.Lines(read(b, "6.12", "available_filter_functions_addrs")) {
		hex, _, _ := strings.Cut(line, " ")
		ip, _ := parseHex(hex)
		ips = append(ips, ip)
	}
	i := 0
	for b.Loop() {
		if tab.Lookup(ips[i%len(ips)]) < 0 {
			b.Fatal("not found")
		}
		i++
	}
}
