package analysis_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// counting makes a record of one cell whose repetitions ran the functions named: each
// string is a repetition, each of its letters a function.
func counting(repetitions ...string) *record.Record {
	rec := testrecord.New()
	rec.Run.Plan.Variants, rec.Run.Plan.Workloads = []string{"runc"}, []string{"redis-set"}
	rec.Run.Plan.Repetitions, rec.Run.Plan.LifecycleRepetitions = len(repetitions), 0
	rec.Run.Plan.Steps, rec.Results = nil, nil
	rec.Tables[testrecord.Kernel] = nil
	for i := range 26 {
		rec.Tables[testrecord.Kernel] = append(rec.Tables[testrecord.Kernel], record.Function{Symbol: string(rune('a' + i)), Offset: uint64(16 * i)})
	}
	for i, letters := range repetitions {
		step := record.Step{Cell: record.Cell{Variant: "runc", Workload: "redis-set"}, Repetition: i + 1}
		rec.Run.Plan.Steps = append(rec.Run.Plan.Steps, step)
		hits := []record.Hit{}
		for _, l := range letters {
			hits = append(hits, record.Hit{Function: int(l - 'a'), Count: 2})
		}
		rec.Results = append(rec.Results, record.Result{Variant: "runc", Workload: "redis-set", Repetition: i + 1, Status: record.OK, Kernel: testrecord.Kernel,
			Phases: []record.PhaseResult{{Phase: record.Steady, Seconds: 1, Sighting: record.Sighting{Functions: map[record.Context][]record.Hit{record.InProcess: hits}}}}})
	}
	return rec
}

func compare(t *testing.T, before, after *record.Record, o analysis.CompareOptions) *analysis.Comparison {
	t.Helper()
	c, err := analysis.Compare(analysis.New(before), analysis.New(after), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func seen(all []analysis.Seen) string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// A function that all repetitions of one record and none of the other ran is gained, but
// of three against three that alone is not yet significant; what comes now and then is not
// gained by being there twice.
func TestGainedBeyondNoise(t *testing.T) {
	for _, test := range []struct {
		name          string
		before, after []string
		gained, lost  string
		grew          bool
		passing       int
	}{
		{"nothing", []string{"abc", "abc", "abc"}, []string{"abc", "abc", "abc"}, "", "", false, 0},
		{"all against none", []string{"abc", "abc", "abc", "abc"}, []string{"abd", "abd", "abd", "abd"}, "d", "c", true, 0},
		{"the same with three", []string{"abc", "abc", "abc"}, []string{"abd", "abd", "abd"}, "d", "c", false, 0},
		{"two of three", []string{"abc", "abc", "abc"}, []string{"abcd", "abcd", "abc"}, "", "", false, 1},
		{"once before", []string{"abc", "abcd", "abc"}, []string{"abcd", "abcd", "abcd"}, "", "", false, 0},
		{"two against two", []string{"abc", "abc"}, []string{"abd", "abd"}, "", "", false, 2},
		// As many functions were in three of the six repetitions in other ways: chance.
		{"a noisy cell", []string{"abefgh", "abefgi", "abefgh"}, []string{"abdhi", "abdi", "abdh"}, "d", "e f g", false, 0},
	} {
		c := compare(t, counting(test.before...), counting(test.after...), analysis.CompareOptions{}).Cells[0]
		if seen(c.Gained) != test.gained || seen(c.Lost) != test.lost || c.Passing != test.passing {
			t.Errorf("%s: gained %q, lost %q, %d may be chance; want %q, %q, %d", test.name, seen(c.Gained), seen(c.Lost), c.Passing, test.gained, test.lost, test.passing)
		}
		if test.name != "a noisy cell" && c.Grew() != test.grew {
			t.Errorf("%s: grew %v (p %v)", test.name, c.Grew(), c.GainedP)
		}
	}
}

// A cell whose functions come and go by themselves has not grown, however they fell.
func TestChanceOfManyFlickers(t *testing.T) {
	// Each of ten functions is in three of six repetitions, every time other ones; one of
	// the ways is that of the records.
	before, after := []string{"afgh", "adei", "bdfj"}, []string{"bcegi", "cdghj", "abchij"}
	c := compare(t, counting(before...), counting(after...), analysis.CompareOptions{}).Cells[0]
	if len(c.Gained) != 1 || c.Gained[0].Name != "c" {
		t.Fatalf("gained %q: the test's own record is not as it should be", seen(c.Gained))
	}
	if c.Grew() {
		t.Errorf("the cell grew, p %v, though %d functions in three of six repetitions make one such likely", c.GainedP, 10)
	}
}

// Ten repetitions are enough to tell a function that comes now and then, if more often
// than before.
func TestManyRepetitions(t *testing.T) {
	before, after := slices.Repeat([]string{"a"}, 10), slices.Repeat([]string{"a"}, 10)
	for i := range 4 {
		after[2*i] = "ab"
	}
	after[1] = "ac"
	c := compare(t, counting(before...), counting(after...), analysis.CompareOptions{}).Cells[0]
	if seen(c.Gained) != "b" || c.Passing != 1 || c.Least != 4 || !c.Grew() || c.GainedP > .06 {
		t.Errorf("gained %q, %d may be chance, least %d, p %v", seen(c.Gained), c.Passing, c.Least, c.GainedP)
	}
	again := compare(t, counting(before...), counting(after...), analysis.CompareOptions{}).Cells[0]
	if again.GainedP != c.GainedP {
		t.Error("the same records give two p-values")
	}
}

func TestIncomparable(t *testing.T) {
	for kind, change := range map[analysis.DifferenceKind]func(*record.Record){
		analysis.OtherKernel: func(r *record.Record) {
			const other = "00aa9c04e1d27b68aa90c3f1b4d2e6078c9b1a25"
			r.Tables = map[string][]record.Function{other: append([]record.Function{{Symbol: "earlier"}}, r.Tables[testrecord.Kernel]...)}
			for i := range r.Results {
				r.Results[i].Kernel = other
				for j, h := range r.Results[i].Phases[0].Functions[record.InProcess] {
					r.Results[i].Phases[0].Functions[record.InProcess][j].Function = h.Function + 1
				}
			}
			for i := range r.Tables[other] {
				r.Tables[other][i].Offset += 0x100
			}
		},
		analysis.OtherPlace: func(r *record.Record) { r.Run.Lab.Accelerator = "kvm" },
		analysis.OtherPlan:  func(r *record.Record) { r.Run.Plan.Load.Requests = 7 },
	} {
		before, after := counting("ab", "ab", "ab"), counting("ac", "ac", "ac")
		change(after)
		_, err := analysis.Compare(analysis.New(before), analysis.New(after), analysis.CompareOptions{})
		var differ *analysis.IncomparableError
		if !errors.As(err, &differ) || !slices.Equal(differ.Kinds(), []analysis.DifferenceKind{kind}) {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		c := compare(t, before, after, analysis.CompareOptions{Across: []analysis.DifferenceKind{kind}})
		if seen(c.Cells[0].Gained) != "c" || seen(c.Cells[0].Lost) != "b" || len(c.Differences) != 1 || c.ByName != (kind == analysis.OtherKernel) {
			t.Errorf("%s: gained %q, lost %q, %+v", kind, seen(c.Cells[0].Gained), seen(c.Cells[0].Lost), c.Differences)
		}
	}
}
