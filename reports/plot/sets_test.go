package plot_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports/plot"
)

// TestCombinationsFigure makes sure that every combination drawn says its number.
func TestCombinationsFigure(t *testing.T) {
	r := analysis.New(testrecord.New())
	s := r.Sharings()[0]
	drawing := svg(t, r, plot.Options{Sets: plot.Combinations, Workload: s.Workload})
	for _, c := range s.Combinations {
		if want := fmt.Sprintf(">%d<", len(c.Functions)); !strings.Contains(drawing, want) {
			t.Errorf("no bar says %s", want)
		}
	}
	for i, v := range s.Variants {
		if want := fmt.Sprintf("%s: %d", v, s.Sizes[i]); !strings.Contains(drawing, want) {
			t.Errorf("no row says %q", want)
		}
	}
	if strings.Contains(drawing, "NaN") {
		t.Error("the drawing holds NaN")
	}
}

// TestManyCombinations: what is not drawn is said.
func TestManyCombinations(t *testing.T) {
	rec := testrecord.New()
	kernel := rec.Tables[testrecord.Kernel]
	base := rec.Results[0]
	for v := range 8 {
		name := fmt.Sprintf("variant-%d", v)
		rec.Run.Plan.Variants = append(rec.Run.Plan.Variants, name)
		rec.Run.Plan.Steps = append(rec.Run.Plan.Steps, record.Step{Cell: record.Cell{Variant: name, Workload: base.Workload}, Repetition: 1})
		r := base
		r.Variant, r.Repetition, r.Status, r.Kernel = name, 1, record.OK, testrecord.Kernel
		var hits []record.Hit
		for f := range kernel {
			if f%(v+2) == 0 {
				hits = append(hits, record.Hit{Function: f, Count: 1})
			}
		}
		r.Phases = []record.PhaseResult{{Phase: record.Steady, Sighting: record.Sighting{Functions: map[record.Context][]record.Hit{record.InProcess: hits}}}}
		rec.Results = append(rec.Results, r)
	}
	drawing := svg(t, analysis.New(rec), plot.Options{Sets: plot.Combinations, Workload: base.Workload})
	if !strings.Contains(drawing, "further combinations, of at most") {
		t.Error("nothing is said of what is not drawn")
	}
}

func TestHeatMap(t *testing.T) {
	r := analysis.New(testrecord.New())
	drawing := svg(t, r, plot.Options{Sets: plot.Subsystems})
	s := r.SubsystemsOf("redis-set")
	for _, row := range s.Top(5) {
		if name := analysis.SubsystemName(row.Name); !strings.Contains(drawing, ">"+name+"<") && !strings.HasSuffix(name, "others") {
			t.Errorf("no row is called %s", name)
		}
	}
	if n := strings.Count(drawing, ">gvisor-systrap<"); n != 4 {
		t.Errorf("a variant is there %d times, want once a workload", n)
	}
}

func TestNothingToCompare(t *testing.T) {
	rec := testrecord.New()
	rec.Results, rec.Tables = nil, map[string][]record.Function{}
	for _, sets := range []plot.Sets{plot.Combinations, plot.Subsystems} {
		if err := plot.SVG(new(bytes.Buffer), analysis.New(rec), plot.Options{Sets: sets}); !errors.Is(err, plot.ErrNothing) {
			t.Errorf("%s: %v", sets, err)
		}
	}
}

// TestPDF: a page a figure, the same bytes each time, and letters beyond Latin-1.
func TestPDF(t *testing.T) {
	rec := testrecord.WithTimings()
	for i, v := range []string{"变体", "ρunc"} { // one that the font has not, one that it has
		rec.Run.Plan.Variants[i] = v
	}
	write := func() []byte {
		var b bytes.Buffer
		if err := plot.PDF(&b, analysis.New(rec)); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	first := write()
	if !bytes.Equal(first, write()) {
		t.Error("two drawings of one record differ (PDF)")
	}
	if got, want := bytes.Count(first, []byte("/Type /Page\n")), len(plot.Of(analysis.New(rec))); got != want {
		t.Errorf("%d pages, want %d", got, want)
	}
	if !bytes.Contains(first, []byte("/CreationDate (D:20261121190000)")) {
		t.Error("the date is not that of the record")
	}
}
