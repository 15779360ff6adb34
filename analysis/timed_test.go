package analysis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// timings makes a record of one workload, w, timed natively: requests a second per
// variant, in the order of the repetitions.
func timings(rates map[string][]float64, variants ...string) *record.Record {
	rec := &record.Record{}
	rec.Run.Plan = record.Plan{Variants: variants, Workloads: []string{"w"}, Timing: &record.TimingPlan{}, Seed: 7}
	for _, v := range variants {
		for i, rate := range rates[v] {
			rec.Run.Plan.Timing.Steps = append(rec.Run.Plan.Timing.Steps, record.Step{Cell: record.Cell{Variant: v, Workload: "w"}, Repetition: i + 1})
			rec.Timings = append(rec.Timings, record.Timing{Variant: v, Workload: "w", Repetition: i + 1, Status: record.OK, Place: record.Native,
				Started: time.Unix(int64(60*i), 0), Throughput: &record.Throughput{Requests: uint64(rate), Seconds: 1, CPU: .5}})
		}
	}
	return rec
}

func throughput(t *testing.T, r *analysis.Report, variant string) *analysis.Series {
	t.Helper()
	s := r.TimedCell(record.Native, variant, "w").Series(analysis.ReqPerSec)
	if s == nil {
		t.Fatalf("%s has no throughput", variant)
	}
	return s
}

func upTo(n int, first, step float64) (out []float64) {
	for i := range n {
		out = append(out, first+step*float64((i*7)%n)) // not in order: no trend
	}
	return out
}

// TestSeries compares with values that can be worked out by hand: the exact interval of
// a median of ten values reaches from the second to the ninth with 97.9 %.
func TestSeries(t *testing.T) {
	r := analysis.New(timings(map[string][]float64{"runc": upTo(10, 1001, 1), "x": upTo(10, 501, 1)}, "runc", "x"))
	s := throughput(t, r, "runc")
	if s.Median != 1005.5 || s.CI == nil || s.CI.Low != 1002 || s.CI.High != 1009 || math.Abs(s.CI.Confidence-.979) > .001 {
		t.Errorf("median %v, interval %+v", s.Median, s.CI)
	}
	ratio := throughput(t, r, "x").ToReference
	if math.Abs(ratio.Ratio-505.5/1005.5) > 1e-12 || ratio.CI.Low >= ratio.Ratio || ratio.CI.High <= ratio.Ratio || ratio.CI.High-ratio.CI.Low > .01 {
		t.Errorf("ratio %+v, interval %+v", ratio, ratio.CI)
	}
	if math.Abs(ratio.P-2/184756.) > 1e-9 { // all of one below all of the other: 2 in 20 over 10
		t.Errorf("p = %v", ratio.P)
	}
	if s.ToReference != nil {
		t.Error("runc is compared with itself")
	}
}

func TestPercentiles(t *testing.T) {
	rec := timings(map[string][]float64{"runc": {1}}, "runc")
	rec.Timings[0].Latency = &record.Latency{Histogram: []record.Bucket{{Seconds: .001, Count: 500}, {Seconds: .002, Count: 450}, {Seconds: .004, Count: 49}}}
	cell := analysis.New(rec).TimedCell(record.Native, "runc", "w")
	for m, want := range map[analysis.Metric]float64{analysis.P50: .001, analysis.P95: .002, analysis.P99: .004} {
		if s := cell.Series(m); s == nil || s.Median != want {
			t.Errorf("%s: %+v, want %v", m, s, want)
		}
	}
	if s := cell.Series(analysis.P999); s != nil {
		t.Errorf("999 replies have a 99.9th percentile: %v", s.Median)
	}
}

// TestOnlyOKHasNumbers makes sure that no other status ever gives a number.
func TestOnlyOKHasNumbers(t *testing.T) {
	for _, status := range []record.Status{record.Degraded, record.Failed, record.Skipped} {
		rec := testrecord.WithTimings()
		for i := range rec.Timings {
			rec.Timings[i].Status = status
		}
		r := analysis.New(rec)
		for _, c := range r.Timed {
			for _, m := range analysis.TimingMetrics() {
				if s := c.Series(m); s != nil {
					t.Fatalf("%s: %s is %s and has %v", c.Cell, m, status, s.Values)
				}
			}
		}
		for _, row := range r.Rows() {
			if row.Phase == analysis.TimedPhase && row.Value != nil {
				t.Fatalf("%s: a row that is %s has %v", row.Cell, status, *row.Value)
			}
		}
		if len(r.TradeOffs(record.Native)) > 0 {
			t.Errorf("%s: a trade-off without throughput", status)
		}
	}
}

func TestHolm(t *testing.T) {
	rates := map[string][]float64{"runc": upTo(10, 1000, 10)}
	variants := []string{"runc"}
	for i := range 4 { // closer and closer to runc
		v := fmt.Sprint("v", i)
		rates[v], variants = upTo(10, 1000+float64(40-13*i), 10), append(variants, v)
	}
	r := analysis.New(timings(rates, variants...))
	var ps []*analysis.Relative
	for _, v := range variants[1:] {
		ps = append(ps, throughput(t, r, v).ToReference)
	}
	slices.SortFunc(ps, func(a, b *analysis.Relative) int { return int(math.Copysign(1, a.P-b.P)) })
	least := 0.0
	for i, p := range ps {
		if least = max(least, min(1, float64(4-i)*p.P)); math.Abs(p.Adjusted-least) > 1e-12 {
			t.Errorf("p = %v became %v, want %v", p.P, p.Adjusted, least)
		}
	}
}

func TestSameNumbers(t *testing.T) {
	a, b := analysis.New(testrecord.WithTimings()), analysis.New(testrecord.WithTimings())
	if !reflect.DeepEqual(a.Timed, b.Timed) {
		t.Error("two analyses of one record differ")
	}
	whole := a.TimedCell(record.Native, "gvisor-systrap", "redis-set").Series(analysis.ReqPerSec).ToReference.CI
	rec := testrecord.WithTimings()
	rec.Run.Plan.Variants = []string{"runc", "gvisor-systrap"}
	part := analysis.New(rec).TimedCell(record.Native, "gvisor-systrap", "redis-set").Series(analysis.ReqPerSec).ToReference.CI
	if *whole != *part {
		t.Errorf("the bootstrap depends on what else is in the record: %v, %v", whole, part)
	}
}

func TestDrift(t *testing.T) {
	steady, falling, same := []float64{}, []float64{}, []float64{}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 10 {
		steady = append(steady, 1000+20*random.NormFloat64())
		falling = append(falling, 1000-30*float64(i))
		same = append(same, 1000)
	}
	r := analysis.New(timings(map[string][]float64{"runc": steady, "x": falling, "y": same}, "runc", "x", "y"))
	for v, want := range map[string]bool{"runc": false, "x": true, "y": false} {
		if trend := throughput(t, r, v).Trend; trend.Drifts() != want {
			t.Errorf("%s: %+v", v, trend)
		}
	}
	if tau := throughput(t, r, "y").Trend.Tau; tau != 0 {
		t.Errorf("ties have τ = %v", tau)
	}
}

func TestBimodal(t *testing.T) {
	two := []float64{1000, 700, 1001, 702, 1003, 699, 998, 701, 1002, 703}
	outlier := []float64{1000, 1001, 1003, 700, 998, 1002, 997, 1004, 1005, 999}
	pages := []float64{1000, 1001, 1000, 1001, 1000, 1001, 1000, 1001, 1000, 1001}
	r := analysis.New(timings(map[string][]float64{"runc": two, "x": outlier, "y": pages}, "runc", "x", "y"))
	if m := throughput(t, r, "runc").Modes; m == nil || m.Low != 701 || m.High != 1001 || m.NLow != 5 || m.NHigh != 5 {
		t.Errorf("two groups: %+v", m)
	}
	for _, v := range []string{"x", "y"} {
		if m := throughput(t, r, v).Modes; m != nil {
			t.Errorf("%s: %+v", v, m)
		}
	}
}

// TestCriteriaAreQuiet says how often the criteria warn of what is only chance: series
// of ten from a normal, and from a skewed (lognormal) distribution.
func TestCriteriaAreQuiet(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 3))
	for name, draw := range map[string]func() float64{
		"normal":    func() float64 { return 1000 + 50*random.NormFloat64() },
		"lognormal": func() float64 { return 1000 * math.Exp(.3*random.NormFloat64()) },
	} {
		const series = 400
		bimodal, drifting := 0, 0
		for range series {
			var values []float64
			for range 10 {
				values = append(values, draw())
			}
			s := throughput(t, analysis.New(timings(map[string][]float64{"runc": values}, "runc")), "runc")
			if s.Modes != nil {
				bimodal++
			}
			if s.Trend.Drifts() {
				drifting++
			}
		}
		t.Logf("%s: of %d series %d bimodal, %d drifting", name, series, bimodal, drifting)
		if bimodal > series/20 || drifting > series*8/100 {
			t.Errorf("%s: of %d series without either, %d are called bimodal and %d drifting", name, series, bimodal, drifting)
		}
	}
}

func TestTimingWarnings(t *testing.T) {
	rec := testrecord.WithTimings()
	for i := range rec.Timings {
		if i%3 == 0 {
			rec.Timings[i].Calibration.Seconds = []float64{.03}
		}
	}
	want := map[analysis.Kind]string{
		analysis.WarnDrift:      "crun × redis-get: req/s (τ = -",
		analysis.WarnBimodal:    "gvisor-systrap × python-tornado: ",
		analysis.WarnNoise:      "the machine was noisy (native)",
		analysis.WarnUnfinished: "timings that are skipped, and have no number: gvisor-kvm × redis-set",
	}
	for kind, text := range want {
		if !warned(analysis.New(rec), kind, text) {
			t.Errorf("no warning %s: %q", kind, text)
		}
	}
	if r := analysis.New(timings(map[string][]float64{"x": {5, 6, 7}}, "x")); !warned(r, analysis.WarnSamples, "x × w: everything") || !warned(r, analysis.WarnReference, "x × w") {
		t.Errorf("three repetitions of one variant: %v", r.Warnings)
	}
}

// TestManyWarnings has all cells concerned, which are counted then.
func TestManyWarnings(t *testing.T) {
	rec := testrecord.WithTimings()
	rec.Timings = slices.DeleteFunc(rec.Timings, func(t record.Timing) bool { return t.Repetition > 5 })
	if r := analysis.New(rec); !warned(r, analysis.WarnSamples, "no 95 % interval: req/s of 15 cells, p50-sec of 15 cells") {
		t.Errorf("%v", r.Warnings)
	}
}

func warned(r *analysis.Report, kind analysis.Kind, text string) bool {
	return slices.ContainsFunc(r.Warnings, func(w analysis.Warning) bool { return w.Kind == kind && strings.Contains(w.Text, text) })
}

// TestPlacesStayApart times one variant elsewhere: it has no ratio then.
func TestPlacesStayApart(t *testing.T) {
	r := analysis.New(testrecord.WithPlaces())
	if got := r.Places(); !slices.Equal(got, []record.Place{record.Native, record.Emulated}) {
		t.Fatalf("places %v", got)
	}
	if c := r.TimedCell(record.Native, "gvisor-systrap", "redis-set"); c != nil {
		t.Errorf("emulated timings are native: %+v", c)
	}
	s := r.TimedCell(record.Emulated, "gvisor-systrap", "redis-set").Series(analysis.ReqPerSec)
	if s == nil || s.ToReference != nil {
		t.Errorf("an emulated time is compared with a native one: %+v", s)
	}
	for _, kind := range []analysis.Kind{analysis.WarnPlaces, analysis.WarnReference, analysis.WarnEmulated} {
		if !warned(r, kind, "emulated") {
			t.Errorf("no warning %s: %v", kind, r.Warnings)
		}
	}
	for _, o := range r.TradeOffs(record.Native) {
		for _, p := range o.Points {
			if p.Variant == "gvisor-systrap" {
				t.Error("an emulated throughput is in the native trade-off")
			}
		}
	}
}

func TestFront(t *testing.T) {
	offs := analysis.New(testrecord.WithTimings()).TradeOffs(record.Native)
	if len(offs) != 4 {
		t.Fatalf("%d workloads", len(offs))
	}
	for _, o := range offs {
		for _, p := range o.Points {
			for _, q := range o.Points {
				if beaten := q.HAP.Median < p.HAP.Median && q.Throughput.Median > p.Throughput.Median; beaten && p.Front {
					t.Errorf("%s: %s is on the front, and %s is better in both", o.Workload, p.Variant, q.Variant)
				}
			}
		}
	}
}

func TestMissingTimings(t *testing.T) {
	rec := testrecord.WithTimings()
	rec.Timings = nil
	r := analysis.New(rec)
	if len(r.Places()) != 0 || len(r.Timed) != 20 || !strings.Contains(r.Coverage(), "Of 20 timed cells: 20 missing.") {
		t.Errorf("places %v, %d cells; %s", r.Places(), len(r.Timed), r.Coverage())
	}
	if crun := analysis.New(testrecord.WithTimings()).TimedCell(record.Native, "crun", "node-express"); crun.Counts[analysis.Missing] != 1 || crun.Planned != 10 || crun.Status != analysis.Missing {
		t.Errorf("%+v", crun.Outcome)
	}
}

func TestOnlyTimings(t *testing.T) {
	r := analysis.New(testrecord.OnlyTimings())
	if got := r.Headline(); !strings.Contains(got, "gvisor-systrap 0.") || !strings.HasPrefix(got, "Throughput in saturation (native)") {
		t.Error(got)
	}
}

func TestPublished(t *testing.T) {
	all := analysis.PublishedNumbers()
	if len(all) < 30 {
		t.Fatalf("%d numbers", len(all))
	}
	for _, p := range all {
		if p.Value <= 0 || p.Docker <= 0 || p.Source == "" || len(p.Date) < 7 {
			t.Errorf("%+v", p)
		}
	}
	if p := analysis.New(testrecord.WithTimings()).PublishedThroughput(record.Cell{Variant: "gvisor-ptrace", Workload: "redis-set"}); p == nil || math.Abs(p.Ratio()-27500./115000) > 1e-9 {
		t.Errorf("gVisor's ptrace under SET: %+v", p)
	}
	beside := analysis.New(testrecord.WithTimings()).PublishedBeside()
	if !slices.ContainsFunc(beside, func(p analysis.Published) bool {
		return p.Metric == analysis.ReqPerSec && p.Variant == "gvisor-ptrace" && p.Workload == "redis-get" && p.Ours[0].Where == "native"
	}) {
		t.Errorf("no published throughput beside ours: %+v", beside)
	}
}

func TestSay(t *testing.T) {
	for _, test := range []struct {
		m    analysis.Metric
		v    float64
		want string
	}{
		{analysis.ReqPerSec, 28512, "28.51 k/s"}, {analysis.P99, .0012345, "1.234 ms"}, {analysis.RSS, 45 << 20, "45.00 MiB"},
		{analysis.StartUp, 1.5, "1.500 s"}, {analysis.ReqPerSec, 940, "940.0 /s"}, {analysis.P50, .0001, "100.0 µs"},
	} {
		if got := strings.ReplaceAll(test.m.Say(test.v), "\u00a0", " "); got != test.want {
			t.Errorf("%s of %v: %q, want %q", test.m, test.v, got, test.want)
		}
	}
}

func TestChanges(t *testing.T) {
	before := map[string][]float64{"runc": upTo(10, 1000, 10), "x": upTo(10, 500, 10)}
	after := map[string][]float64{"runc": upTo(10, 1005, 10), "x": upTo(10, 300, 10)}
	changes := analysis.Changes(analysis.New(timings(before, "runc", "x")), analysis.New(timings(after, "runc", "x")))
	got := map[string]bool{}
	for _, c := range changes {
		if c.Metric == analysis.ReqPerSec {
			got[c.Variant] = c.Significant()
		}
	}
	if len(got) != 2 || got["runc"] || !got["x"] {
		t.Errorf("significant: %v", got)
	}
	same := analysis.New(testrecord.WithTimings())
	for _, c := range analysis.Changes(same, same) {
		if c.Significant() {
			t.Errorf("%s: %s differs from itself", c.Cell, c.Metric)
		}
	}
	if places := analysis.Changes(analysis.New(testrecord.WithPlaces()), same); slices.ContainsFunc(places, func(c analysis.Change) bool { return c.Variant == "gvisor-systrap" }) {
		t.Error("an emulated timing is compared with a native one")
	}
}
