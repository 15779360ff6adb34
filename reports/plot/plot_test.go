package plot_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"strings"
	"testing"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/reports/plot"
)

func svg(t *testing.T, r *analysis.Report, o plot.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := plot.SVG(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSameBytes(t *testing.T) {
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := plot.PNG(w, analysis.New(testrecord.New()), plot.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two drawings of one record differ (PNG)")
	}
	if svg(t, analysis.New(testrecord.New()), plot.Options{}) != svg(t, analysis.New(testrecord.New()), plot.Options{}) {
		t.Error("two drawings of one record differ (SVG)")
	}
}

func TestPNGIsSharp(t *testing.T) {
	var b bytes.Buffer
	if err := plot.PNG(&b, analysis.New(testrecord.New()), plot.Options{}); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if w := img.Bounds().Dx(); w < 1400 {
		t.Errorf("%d pixels wide", w)
	}
}

// TestTexts makes sure that each number and each gap can be read in the figure.
func TestTexts(t *testing.T) {
	r := analysis.New(testrecord.New())
	drawing := svg(t, r, plot.Options{})
	texts := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(drawing))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		if s, ok := token.(xml.CharData); ok {
			texts[strings.TrimSpace(string(s))]++
		}
	}
	for want, n := range map[string]int{
		"Unique host-kernel functions, steady state": 1,
		"519": 1, "568.5": 1, "431†": 1, "skipped": 4, "failed": 1, "missing": 1,
		"runc": 1, "gvisor-kvm": 1, "node-express": 1, "min–max": 1,
	} {
		if texts[want] != n {
			t.Errorf("%q is drawn %d times, want %d", want, texts[want], n)
		}
	}
	if strings.Contains(drawing, `height="0`) || strings.Contains(drawing, "NaN") {
		t.Error("the drawing holds an empty shape")
	}
}

func TestBootFigure(t *testing.T) {
	drawing := svg(t, analysis.New(testrecord.New()), plot.Options{Phase: analysis.CreateBoot})
	if !strings.Contains(drawing, "Unique host-kernel functions, create+boot") {
		t.Error("not the figure that was asked for")
	}
}

func TestNothingMeasured(t *testing.T) {
	rec := testrecord.New()
	rec.Results, rec.Tables = nil, map[string][]record.Function{}
	if got := strings.Count(svg(t, analysis.New(rec), plot.Options{}), ">missing<"); got != 20 {
		t.Errorf("%d gaps, want 20", got)
	}
}

func TestManyVariants(t *testing.T) {
	rec := testrecord.New()
	for _, v := range []string{"kata-qemu", "kata-clh", "firecracker", "nabla", "docker"} {
		rec.Run.Plan.Variants = append(rec.Run.Plan.Variants, v)
		for _, w := range rec.Run.Plan.Workloads {
			rec.Run.Plan.Steps = append(rec.Run.Plan.Steps, record.Step{Cell: record.Cell{Variant: v, Workload: w}, Repetition: 1})
		}
	}
	if drawing := svg(t, analysis.New(rec), plot.Options{}); !strings.Contains(drawing, ">docker<") {
		t.Error("a variant is not in the legend")
	}
}

func TestColorsDiffer(t *testing.T) {
	seen := map[string]int{}
	for i := range 14 {
		if before, twice := seen[plot.Color(i)]; twice {
			t.Errorf("series %d and %d are both %s", before, i, plot.Color(i))
		}
		seen[plot.Color(i)] = i
	}
}
