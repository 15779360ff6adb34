package testrecord

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"hapscope/record"
)

// WithTimings returns the record of New with timings: runc, crun and gVisor's systrap
// and ptrace timed natively, in ten repetitions, gVisor on KVM skipped. Its numbers are
// drawn from a seeded generator and are no measurement of anything. They hold a cell
// that drifts, one that is bimodal, one that failed, one that is degraded once, and one
// with a repetition that is missing.
func WithTimings() *record.Record {
	rec := New()
	addTimings(rec, 10, func(string) record.Place { return record.Native })
	return rec
}

// WithPlaces returns a record like that of WithTimings, but that gVisor's systrap was
// timed in the emulated lab.
func WithPlaces() *record.Record {
	rec := New()
	addTimings(rec, 10, func(variant string) record.Place {
		if variant == "gvisor-systrap" {
			return record.Emulated
		}
		return record.Native
	})
	return rec
}

// OnlyTimings returns the record of WithTimings without anything counted.
func OnlyTimings() *record.Record {
	rec := WithTimings()
	rec.Results, rec.Tables, rec.Run.Plan.Steps, rec.Run.Lab, rec.Run.Where = nil, nil, nil, nil, "host"
	return rec
}

func addTimings(rec *record.Record, repetitions int, place func(variant string) record.Place) {
	plan := &record.TimingPlan{Repetitions: repetitions, Throughput: 3, Connections: 16, Latency: 5, Rate: 500, WarmUp: 1}
	g := timer{rand.New(rand.NewPCG(5, 6))}
	at := rec.Run.Created.Add(time.Hour)
	for n := 1; n <= repetitions; n++ {
		for _, w := range rec.Run.Plan.Workloads {
			for _, v := range rec.Run.Plan.Variants {
				step := record.Step{Cell: record.Cell{Variant: v, Workload: w}, Repetition: n}
				plan.Steps = append(plan.Steps, step)
				at = at.Add(12 * time.Second)
				if v == "crun" && w == "node-express" && n == repetitions {
					continue // the run was interrupted before
				}
				t := record.Timing{Variant: v, Workload: w, Repetition: n, Status: record.OK, Place: place(v), Started: at, Seconds: 11}
				g.time(&t)
				rec.Timings = append(rec.Timings, t)
			}
		}
	}
	rec.Run.Plan.Timing = plan
	rec.Run.Timed = map[record.Place]*record.TimedAt{record.Native: {Machine: &record.Machine{Release: "7.1.2-cloud", Version: "#1 SMP", CPU: "a made-up CPU", CPUs: 2, MemoryBytes: 8 << 30, Lockdown: "confidentiality"},
		Tools: []record.Tool{{Name: "runc", Path: "/usr/bin/runc", Version: "1.4.0", SHA256: strings.Repeat("3d", 32)}}}}
}

// timer draws timings.
type timer struct{ *rand.Rand }

func (g timer) time(t *record.Timing) {
	t.Calibration = &record.Calibration{Seconds: []float64{g.near(.02, .01), g.near(.02, .01), g.near(.02, .01)}}
	switch {
	case t.Variant == "gvisor-kvm":
		t.Status, t.Reason, t.Remedy = record.Skipped, "no virtual machine can be started: KVM_RUN of a test guest did not return within 5 s", "run on a machine whose /dev/kvm works, or let the lab use TCG with a CPU that has SVM"
		return
	case t.Variant == "gvisor-ptrace" && t.Workload == "node-express":
		t.Status, t.Reason = record.Failed, "wrong reply to GET /item/17: want item 17, got 502 Bad Gateway"
		return
	case t.Variant == "gvisor-systrap" && t.Workload == "redis-get" && t.Repetition == 4:
		t.Status, t.Reason, t.Remedy = record.Degraded, "the generator sent 441 of 500 requests a second", "ask for a lower rate"
	}
	rate := map[string]float64{"redis-set": 52000, "redis-get": 56000, "python-tornado": 1900, "node-express": 5200}[t.Workload]
	slow := map[string]float64{"runc": 1, "crun": .99, "gvisor-systrap": .45, "gvisor-ptrace": .12}[t.Variant]
	switch {
	case t.Variant == "crun" && t.Workload == "redis-get":
		slow *= 1 - .02*float64(t.Repetition) // drifts
	case t.Variant == "gvisor-systrap" && t.Workload == "python-tornado" && t.Repetition%2 == 0:
		slow *= .7 // bimodal
	}
	g.load(t, g.near(rate*slow, .015), slow)
}

// load fills in what a sandbox did at a rate, slow times as fast as a plain one.
func (g timer) load(t *record.Timing, rate, slow float64) {
	start := g.near(.15+.35*(1-slow), .03)
	t.StartUp = &start
	requests := uint64(3 * rate)
	t.Throughput = &record.Throughput{Generator: "made up for tests", Connections: 16, Requests: requests, Seconds: 3, CPU: g.near(2.6/math.Sqrt(slow), .02)}
	t.Latency = &record.Latency{Generator: "made up for tests", Asked: 500, Kept: 500, Requests: 2500, Seconds: 5, Histogram: g.histogram(2500, .0004/slow)}
	resident := g.near(2e7+6e7*(1-slow), .01)
	t.Memory = &record.Memory{Source: "memory.current", Steady: uint64(resident), Peak: uint64(g.near(resident*1.3, .01))}
}

// near draws a number about another, with a relative standard deviation.
func (g timer) near(v, deviation float64) float64 { return v * (1 + deviation*g.NormFloat64()) }

// histogram draws lognormal latencies about a median, with a long tail.
func (g timer) histogram(n int, median float64) (out []record.Bucket) {
	const perDecade = 200
	counts := map[int]uint64{}
	low, high := math.MaxInt, math.MinInt
	for range n {
		v := median * math.Exp(.35*g.NormFloat64())
		if g.IntN(150) == 0 {
			v *= 6
		}
		i := int(math.Ceil(perDecade * math.Log10(v)))
		counts[i]++
		low, high = min(low, i), max(high, i)
	}
	for i := low; i <= high; i++ {
		if counts[i] > 0 {
			out = append(out, record.Bucket{Seconds: math.Pow(10, float64(i)/perDecade), Count: counts[i]})
		}
	}
	return out
}

// Rename gives variants of a record with timings other names.
func Rename(rec *record.Record, names map[string]string) {
	rename := func(name *string) {
		if other, ok := names[*name]; ok {
			*name = other
		}
	}
	for i := range rec.Run.Plan.Variants {
		rename(&rec.Run.Plan.Variants[i])
	}
	for _, steps := range [][]record.Step{rec.Run.Plan.Steps, rec.Run.Plan.Timing.Steps} {
		for i := range steps {
			rename(&steps[i].Variant)
		}
	}
	for i := range rec.Results {
		rename(&rec.Results[i].Variant)
	}
	for i := range rec.Timings {
		rename(&rec.Timings[i].Variant)
	}
}
