package record_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// shard is the part of the test's record that a filter picks, under a name of its own.
func shard(id string, keep func(record.Step) bool) *record.Record {
	rec := testrecord.WithTimings()
	rec.Run.ID = id
	drop := func(s record.Step) bool { return !keep(s) }
	rec.Run.Plan.Steps = slices.DeleteFunc(rec.Run.Plan.Steps, drop)
	rec.Run.Plan.Timing.Steps = slices.DeleteFunc(rec.Run.Plan.Timing.Steps, drop)
	rec.Results = slices.DeleteFunc(rec.Results, func(r record.Result) bool {
		return drop(record.Step{Cell: r.Cell(), Repetition: r.Repetition})
	})
	rec.Timings = slices.DeleteFunc(rec.Timings, func(t record.Timing) bool {
		return drop(record.Step{Cell: t.Cell(), Repetition: t.Repetition})
	})
	return rec
}

func few(s record.Step) bool { return s.Workload == "redis-set" && s.Repetition < 3 }

// A copy is the record, but for functions that nobody ran; it is written whole or not at
// all, and over nothing.
func TestCopy(t *testing.T) {
	rec := shard("one", few)
	dir := filepath.Join(t.TempDir(), "a", "copy")
	if err := record.Copy(dir, rec); err != nil {
		t.Fatal(err)
	}
	testrecord.Validate(t, dir)
	got, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Tables[testrecord.Kernel]); n == 0 || n >= len(rec.Tables[testrecord.Kernel]) {
		t.Errorf("the copy has %d functions, of %d", n, len(rec.Tables[testrecord.Kernel]))
	}
	for i := range rec.Results {
		if d := cmp.Diff(named(rec, i), named(got, i)); d != "" {
			t.Errorf("result %d (-want +got):\n%s", i, d)
		}
	}
	if len(got.Timings) != len(rec.Timings) || len(got.Timings) == 0 {
		t.Errorf("%d timings, of %d", len(got.Timings), len(rec.Timings))
	}
	if err := record.Copy(dir, rec); !errors.Is(err, record.ErrNotEmpty) {
		t.Errorf("a copy over a copy: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// named is a result's hits by the functions' names.
func named(rec *record.Record, result int) map[string]uint64 {
	out := map[string]uint64{}
	table := rec.Tables[testrecord.Kernel]
	for _, p := range rec.Results[result].Phases {
		for c, hits := range p.Functions {
			for _, h := range hits {
				f := table[h.Function]
				out[string(p.Phase)+" "+string(c)+" "+f.Name()+" "+string(rune(f.Offset))] = h.Count
			}
		}
		for role, seen := range p.Roles {
			for _, h := range seen.Functions {
				out[string(p.Phase)+" "+string(role)+" "+table[h.Function].Name()] += h.Count
			}
		}
	}
	return out
}

// Shards make up what they were cut from.
func TestMergeShards(t *testing.T) {
	is := func(variants ...string) func(record.Step) bool {
		return func(s record.Step) bool { return few(s) && slices.Contains(variants, s.Variant) }
	}
	a, b := shard("a", is("runc", "gvisor-kvm")), shard("b", is("crun", "gvisor-systrap", "gvisor-ptrace"))
	a.Run.Plan.Variants, b.Run.Plan.Variants = []string{"runc", "gvisor-kvm"}, []string{"crun", "gvisor-systrap", "gvisor-ptrace"}
	b.Run.Plan.Reference = "crun" // which may be chosen for one part alone
	b.Tables[testrecord.Kernel] = append([]record.Function{{Symbol: "loaded_later", Module: "late", Offset: 1}}, b.Tables[testrecord.Kernel]...)
	for i := range b.Results { // its table has one more, before all others
		for j := range b.Results[i].Phases {
			shift(&b.Results[i].Phases[j])
		}
	}
	m, err := record.Merge([]*record.Record{a, b})
	if err != nil {
		t.Fatal(err)
	}
	whole := shard("whole", few)
	if len(m.Results) != len(whole.Results) || len(m.Timings) != len(whole.Timings) || len(m.Run.Plan.Steps) != len(whole.Run.Plan.Steps) || m.Run.ID != "a+b" || m.Run.Plan.Repetitions != 2 || m.Run.Plan.Reference != "crun" {
		t.Errorf("%d results, %d timings, %d steps, %q, %d repetitions", len(m.Results), len(m.Timings), len(m.Run.Plan.Steps), m.Run.ID, m.Run.Plan.Repetitions)
	}
	for i, r := range m.Results {
		j := slices.IndexFunc(whole.Results, func(o record.Result) bool { return o.Cell() == r.Cell() && o.Repetition == r.Repetition })
		if d := cmp.Diff(named(whole, j), named(m, i)); d != "" {
			t.Errorf("%s repetition %d (-want +got):\n%s", r.Cell(), r.Repetition, d)
		}
	}
	dir := filepath.Join(t.TempDir(), "merged")
	if err := record.Copy(dir, m); err != nil {
		t.Fatal(err)
	}
	testrecord.Validate(t, dir)
	if _, err := record.Read(dir); err != nil {
		t.Error(err)
	}
}

func shift(p *record.PhaseResult) {
	move := func(hits []record.Hit) []record.Hit {
		out := slices.Clone(hits)
		for i := range out {
			out[i].Function++
		}
		return out
	}
	sightings := []*record.Sighting{&p.Sighting}
	for _, o := range p.Others {
		sightings = append(sightings, o)
	}
	for _, s := range sightings {
		for c, hits := range s.Functions {
			s.Functions[c] = move(hits)
		}
		for _, role := range s.Roles {
			role.Functions = move(role.Functions)
		}
	}
}

// Another run's repetitions of the same cells are numbered on; the same run's are not
// counted twice, and two that differ are a mistake.
func TestMergeRepetitions(t *testing.T) {
	first, second, copied := shard("first", few), shard("second", few), shard("first", few)
	for _, rec := range []*record.Record{first, second, copied} { // only the first repetition was observed whole
		rec.Run.Plan.LifecycleRepetitions, rec.Run.Plan.LifecycleWorkloads = 1, rec.Run.Plan.Workloads[:1]
		for i := range rec.Results {
			if r := &rec.Results[i]; r.Repetition > 1 {
				r.Phases = slices.DeleteFunc(r.Phases, func(p record.PhaseResult) bool { return p.Phase != record.Steady })
			}
		}
	}
	m, err := record.Merge([]*record.Record{first, second, copied})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Results) != 2*len(first.Results) || len(m.Timings) != 2*len(first.Timings) || m.Run.ID != "first+second" || m.Run.Plan.Repetitions != 4 || m.Run.Plan.LifecycleRepetitions != 2 || !slices.Equal(m.Run.Plan.LifecycleWorkloads, first.Run.Plan.Workloads[:1]) {
		t.Errorf("%d results of %d, %d timings, %q, %d repetitions", len(m.Results), len(first.Results), len(m.Timings), m.Run.ID, m.Run.Plan.Repetitions)
	}
	copied.Results[0].Seconds++
	if _, err := record.Merge([]*record.Record{first, copied}); err == nil || !strings.Contains(err.Error(), "and differ") {
		t.Errorf("one run, two results: %v", err)
	}
}

func TestMergeRefuses(t *testing.T) {
	for want, change := range map[string]func(*record.Record){
		"plan.load":                        func(r *record.Record) { r.Run.Plan.Load.Requests++ },
		"plan.settle (2 and 9)":            func(r *record.Record) { r.Run.Plan.Settle = 9 },
		"where (lab and host)":             func(r *record.Record) { r.Run.Where = "host" },
		"lab.images":                       func(r *record.Record) { r.Run.Lab.Images = map[string]string{"kernel": "another"} },
		"tool runc (1.1.15+ds1 and 9)":     func(r *record.Record) { r.Run.Tools[0].SHA256, r.Run.Tools[0].Version = "00", "9" },
		"the machine of the native timing": func(r *record.Record) { r.Run.Timed[record.Native].Machine.CPU = "another" },
		"kernel ([": func(r *record.Record) {
			const other = "00aa9c04e1d27b68aa90c3f1b4d2e6078c9b1a25"
			r.Tables = map[string][]record.Function{other: r.Tables[testrecord.Kernel]}
			for i := range r.Results {
				if len(r.Results[i].Phases) > 0 {
					r.Results[i].Kernel = other
				}
			}
		},
	} {
		other := shard("other", few)
		change(other)
		if _, err := record.Merge([]*record.Record{shard("one", few), other}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "merge one with other") {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := record.Merge([]*record.Record{shard("one", few)}); err == nil {
		t.Error("one record was merged with nothing")
	}
}

// Two runs of a thousand repetitions on a kernel with as many functions as the lab's.
func BenchmarkMerge(b *testing.B) {
	table := make([]record.Function, 48_000)
	for i := range table {
		table[i] = record.Function{Symbol: fmt.Sprintf("f%d", i), Offset: uint64(i) * 16}
	}
	var records []*record.Record
	for _, id := range []string{"a", "b"} {
		rec := &record.Record{Run: sampleRun(), Tables: map[string][]record.Function{kernel: table}}
		rec.Run.Schema, rec.Run.ID = record.SchemaVersion, id
		rec.Run.Plan.Repetitions, rec.Run.Plan.LifecycleRepetitions, rec.Run.Plan.Steps = 1000, 1000, nil
		for n := range 1000 {
			rec.Run.Plan.Steps = append(rec.Run.Plan.Steps, record.Step{Cell: cell, Repetition: n + 1})
			rec.Results = append(rec.Results, sampleResult(n+1))
		}
		records = append(records, rec)
	}
	for b.Loop() {
		if _, err := record.Merge(records); err != nil {
			b.Fatal(err)
		}
	}
}
