package scenario

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hapscope/record"
)

var known = Catalog{
	Variants:  []string{"runc", "crun", "gvisor-systrap", "gvisor-ptrace", "gvisor-kvm", "kata-qemu"},
	Workloads: []string{"redis-set", "redis-get", "python-tornado", "node-express"},
	Witnesses: []string{"ftrace", "ebpf"},
}

func TestParseShipped(t *testing.T) {
	content, err := os.ReadFile("../../scenarios.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("scenarios.yaml", content, known)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"full", "quick", "smoke", "vm"}, f.Names()); diff != "" {
		t.Error(diff)
	}
	want := Scenario{
		Name: "smoke", Description: "one cell, one repetition; does everything work here?",
		Variants: []string{"runc"}, Workloads: []string{"redis-set"}, Repetitions: 1,
		Witnesses: []string{"ftrace"}, Idle: 2 * time.Second, Settle: time.Second, Deadline: 5 * time.Minute, Seed: 1, Where: Auto,
		Load: record.Load{Mode: Paced, Requests: 300, Rate: 300, WarmUp: 200, RequestsPerConnection: 10},
	}
	if diff := cmp.Diff(want, f.Scenarios["smoke"]); diff != "" {
		t.Error(diff)
	}
	if got := f.Scenarios["full"]; len(got.Variants) != 6 || len(got.Workloads) != 4 || got.Repetitions != 10 {
		t.Errorf("full = %+v", got)
	}
	if f.Lab.MemoryBytes != 4<<30 {
		t.Errorf("memory = %d", f.Lab.MemoryBytes)
	}
}

// Every error of a file is told at once, each with its place.
func TestParseErrors(t *testing.T) {
	tests := []struct {
		name, content string
		want          []string
	}{
		{"empty", "", []string{"s.yaml:1:1: the file is empty"}},
		{"syntax", "scenarios:\n  a: [\n", []string{"s.yaml:2:1: not valid YAML: "}},
		{"two documents", "scenarios: {}\n---\na: 1\n", []string{"s.yaml: more than one YAML document"}},
		{"no scenarios", "lab: {cpus: 1}\n", []string{"s.yaml:1:1: the file has no scenarios"}},
		{"not a mapping", "- a\n", []string{"s.yaml:1:1: the file must be a mapping, not a list"}},
		{"many", `scenarios:
  one:
    varients: [runc]
    workloads: [redis-sett, redis-get, redis-get]
    repetitions: three
    settle: 5
    load: {rate: -1}
  one: {}
  two:
    variants: [gvisor-ptrase, all]
    where: moon
lab: {memory: lots}
`, []string{
			`s.yaml:3:5: unknown key "varients" in scenario one, did you mean "variants"?`,
			`s.yaml:4:17: unknown workload "redis-sett", did you mean "redis-set"?`,
			`s.yaml:4:40: workload "redis-get" stands twice in the list`,
			`s.yaml:5:18: repetitions must be a number, not "three"`,
			`s.yaml:6:13: settle must be a duration such as 500ms, 1s or 5m, not "5"`,
			`s.yaml:7:18: rate must be a number from 0.001 to 1e+07, not -1`,
			`s.yaml:8:3: key "one" in scenarios stands in line 2 already`,
			`s.yaml:10:16: unknown variant "gvisor-ptrase", did you mean "gvisor-ptrace"?`,
			`s.yaml:10:31: "all" must stand alone in a list of variants`,
			`s.yaml:11:12: unknown place "moon", known are auto, host, lab`,
			`s.yaml:12:15: memory must be a size such as 512MiB or 4GiB, not "lots"`,
		}},
		{"nothing named", "scenarios: {a: {variants: [runc]}}", []string{`s.yaml:1:13: scenario "a" names no workloads`}},
		{"fraction", "scenarios: {a: {repetitions: 1.5}}", []string{`s.yaml:1:30: repetitions must be a whole number, not 1.5`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("s.yaml", []byte(tt.content), known)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("missing: %s", want)
				}
			}
			if n := len(strings.Split(err.Error(), "\n")); n != len(tt.want) {
				t.Errorf("%d errors, want %d:\n%v", n, len(tt.want), err)
			}
		})
	}
}

func TestFindSuggests(t *testing.T) {
	f := &File{Scenarios: map[string]Scenario{"quick": {}, "full": {}}}
	if _, err := f.Find("quikc"); err == nil || !strings.Contains(err.Error(), `did you mean "quick"?`) {
		t.Errorf("got %v", err)
	}
	if _, err := f.Find("zzzzzz"); err == nil || !strings.Contains(err.Error(), "known are full, quick") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("scenarios: {a: {variants: [runc], workloads: [all]}}"))
	f.Add([]byte("a: &x [*x]\nscenarios: *x\n"))
	f.Add([]byte("lab: {memory: 1GiB}\ndefaults: {load: {rate: 1e999}}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := Parse("f", content, known)
		if (file == nil) == (err == nil) {
			t.Fatal("neither a file nor an error")
		}
	})
}
