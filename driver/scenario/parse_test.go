package scenario

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hapscope/record"
)

var known = Catalog{
	Variants:  []string{"runc", "crun", "gvisor-systrap", "gvisor-ptrace", "gvisor-kvm", "kata-qemu", "nabla-container", "nabla-raw"},
	Workloads: []string{"redis-set", "redis-get", "python-tornado", "node-express"},
	Witnesses: []string{"ftrace", "ebpf"},
	Booters:   []string{"nabla-raw", "solo5-spt"},
	Engines:   []string{"docker", "podman"},
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
	if diff := cmp.Diff([]string{"full", "perf-native", "policy", "quick", "smoke", "vm"}, f.Names()); diff != "" {
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
	if got := f.Scenarios["full"]; len(got.Variants) != 8 || len(got.Workloads) != 4 || got.Repetitions != 10 {
		t.Errorf("full = %+v", got)
	}
	if got := f.Scenarios["vm"].LifecycleWorkloads; !slices.Equal(got, []string{"redis-set"}) {
		t.Errorf("vm observes all phases under %v", got)
	}
	perf := f.Scenarios["perf-native"]
	if perf.Repetitions != 0 || perf.Timing == nil || perf.Timing.Repetitions != 10 || perf.Timing.Connections != 50 || perf.Timing.WarmUp != time.Second {
		t.Errorf("perf-native = %+v", perf)
	}
	if f.Scenarios["quick"].Timing != nil || f.Scenarios["full"].Timing == nil {
		t.Error("quick is timed, or full is not")
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
		{"timing", `defaults: {timing: {rate: 0, repetitions: 0, conections: 1}}
scenarios:
  a: {variants: [runc], workloads: [redis-set], timing: {throughput: 0s, latency: 3, warm_up: -1s}}
  b: {variants: [runc], workloads: [redis-set], timing: 3}
`, []string{
			`s.yaml:1:27: rate must be a number from 0.001 to 1e+07, not 0`,
			`s.yaml:1:43: repetitions must be a number from 1 to 10000, not 0`,
			`s.yaml:1:46: unknown key "conections" in timing, did you mean "connections"?`,
			`throughput must be a duration above 0, not "0s"`,
			`latency must be a duration such as 500ms, 1s or 5m, not "3"`,
			`warm_up must be a duration such as 500ms, 1s or 5m, not "-1s"`,
			`timing must be a mapping, not "3"`,
		}},
		{"reference", `defaults: {reference: runc}
scenarios:
  a: {variants: [runc, crun], workloads: [redis-set], reference: krun}
  b: {variants: [runc], workloads: [redis-set], reference: [runc]}
`, []string{
			`s.yaml:1:12: unknown key "reference" in defaults`,
			`s.yaml:3:66: the reference "krun" is none of the scenario's variants, did you mean "crun"?`,
			`s.yaml:4:60: reference must be text, not a list`,
		}},
		{"nothing to do", "scenarios: {a: {variants: [runc], workloads: [all], repetitions: 0}}", []string{`s.yaml:1:13: scenario "a" names no repetitions, and nothing is timed`}},
		{"unikernels", `scenarios: {one: {variants: [runc], workloads: [redis-set]}}
unikernels:
  nabla-row: {}
  runc: {}
  solo5-spt:
    redis: {unikernel: /a}
    redis-set: {unikernel: a, disc: /b}
    redis-get: {disk: /b, args: "--ipv4"}
    python-tornado: {args: [1]}
    node-express: {}
`, []string{
			`s.yaml:3:3: "nabla-row" is no variant that boots unikernels, did you mean "nabla-raw"?`,
			`s.yaml:4:3: "runc" is no variant that boots unikernels, known are nabla-raw, solo5-spt`,
			`s.yaml:6:5: unknown workload "redis", known are`,
			`s.yaml:7:28: unikernel must be an absolute path, not "a"`,
			`s.yaml:7:31: unknown key "disc" in a unikernel, did you mean "disk"?`,
			`s.yaml:8:33: args must be a list, not "--ipv4"`,
			`s.yaml:9:29: an item of args must be text, not "1"`,
			`s.yaml:10:19: a unikernel names no file`,
		}},
		{"nothing named", "scenarios: {a: {variants: [runc]}}", []string{`s.yaml:1:13: scenario "a" names no workloads`}},
		{"engine", "scenarios: {a: {variants: [runc], workloads: [all], engine: own, containerd_address: /s}, b: {engine: dockr, containerd_address: s}}", []string{
			`s.yaml:1:13: scenario "a" has a containerd_address, and engine own`,
			`unknown engine "dockr"`, `containerd_address must be the absolute path of a socket, not "s"`,
		}},
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

// A scenario's keys of timing stand over those of the defaults, which stay as they are.
func TestTimingOfDefaults(t *testing.T) {
	f, err := Parse("s.yaml", []byte(`defaults: {timing: {rate: 7, connections: 3}}
scenarios:
  a: {variants: [runc], workloads: [redis-set], timing: {rate: 9}}
  b: {variants: [runc], workloads: [redis-set]}
`), known)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := f.Scenarios["a"].Timing, f.Scenarios["b"].Timing; a.Rate != 9 || a.Connections != 3 || b.Rate != 7 || b.Connections != 3 {
		t.Errorf("a: %+v; b: %+v", a, b)
	}
}

func TestUnikernels(t *testing.T) {
	f, err := Parse("s.yaml", []byte(`
scenarios: {one: {variants: [runc], workloads: [redis-set]}}
unikernels:
  nabla-raw:
    redis-set: {unikernel: /opt/redis.nabla, disk: /opt/redis.iso, args: ['{"net":{"addr":"{address}"}}']}
`), known)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]record.Unikernel{"nabla-raw": {"redis-set": {
		Image: "/opt/redis.nabla", Disk: "/opt/redis.iso", Args: []string{`{"net":{"addr":"{address}"}}`},
	}}}
	for _, got := range []map[string]map[string]record.Unikernel{f.Unikernels, f.Scenarios["one"].Unikernels} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// What a container engine has is known only where it runs: its variants are named by its
// prefix, by one runtime, or not at all.
func TestEngines(t *testing.T) {
	f, err := Parse("s.yaml", []byte(`
defaults: {workloads-are: none}
scenarios: {}
`), known)
	if f != nil || err == nil {
		t.Fatal("a wrong key of defaults is taken")
	}
	f, err = Parse("s.yaml", []byte(`
scenarios:
  all: {engine: docker, workloads: [redis-set]}
  one: {engine: podman, runtime: My.RT_1, workloads: [redis-set], images: {redis-set: "redis:8"}}
  some: {variants: [runc, docker-runsc, podman-crun], workloads: [redis-set], docker_address: "unix:///d.sock"}
  every: {variants: [all], workloads: [redis-set]}
`), known)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"all": nil, "one": {"podman-My.RT_1"}, "some": {"runc", "docker-runsc", "podman-crun"}, "every": known.Variants} {
		if diff := cmp.Diff(want, f.Scenarios[name].Variants); diff != "" {
			t.Error(name, diff)
		}
	}
	if s := f.Scenarios["one"]; s.Engine != Podman || s.Images["redis-set"] != "redis:8" || f.Scenarios["some"].DockerAddress != "/d.sock" {
		t.Errorf("%+v", s)
	}
	_, err = Parse("s.yaml", []byte(`
scenarios:
  a: {variants: [docker-, dockr-runc], workloads: [redis-set]}
  b: {runtime: runsc, variants: [runc], workloads: [redis-set]}
  c: {engine: docker, runtime: runsc, variants: [docker-runc], workloads: [redis-set]}
  d: {engine: docker, containerd_address: /s, workloads: [redis-set], images: {redis-sett: a, redis-get: [b], node-express: --privileged}}
  e: {engine: docker, containerd_address: /s, workloads: [redis-set]}
`), known)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`unknown variant "docker-"`, `unknown variant "dockr-runc"`, `scenario "b" names a runtime`, `scenario "c" names a runtime`,
		`unknown workload "redis-sett", did you mean "redis-set"?`, `an image must be text, not a list`, `"--privileged" is no reference of an image`, `scenario "e" has a containerd_address, and engine docker`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s\nin %v", want, err)
		}
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
	f.Add([]byte("unikernels: {nabla-raw: {redis-set: {unikernel: /a, args: [b]}}}\nscenarios: {}\n"))
	f.Add([]byte("lab: {memory: 1GiB}\ndefaults: {load: {rate: 1e999}}\n"))
	f.Add([]byte(withScenarios + "budgets: [{max-new-functions: 1, allow: [{functions: [a], reason: b, expires: 2027-01-01}]}]\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := Parse("f", content, judging())
		if (file == nil) == (err == nil) {
			t.Fatal("neither a file nor an error")
		}
	})
}
