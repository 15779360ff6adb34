package analysis

import (
	"cmp"
	"slices"

	"gonum.org/v1/gonum/stat"

	"hapscope/record"
)

// Timed is one cell at one place: its repetitions in which no collector was armed.
// Only those that are ok have numbers. A degraded count is still a lower bound; a
// degraded time is nothing.
type Timed struct {
	record.Cell
	Outcome
	Place   record.Place // empty where nothing of the plan was ever timed
	timings []*record.Timing
	series  map[Metric]*Series
}

// Series returns the cell's numbers of a metric, or nil where there are none.
func (t *Timed) Series(m Metric) *Series { return t.series[m] }

// TimedCell returns the named cell at a place, or nil where it was not timed there.
func (r *Report) TimedCell(p record.Place, variant, workload string) *Timed {
	return findTimed(r.Timed, p, record.Cell{Variant: variant, Workload: workload})
}

func findTimed(all []*Timed, p record.Place, cell record.Cell) *Timed {
	i := slices.IndexFunc(all, func(t *Timed) bool { return t.Place == p && t.Cell == cell })
	if i < 0 {
		return nil
	}
	return all[i]
}

// Places lists where the record has timings of, the most telling place first.
func (r *Report) Places() (out []record.Place) {
	for _, t := range r.Timed {
		if t.Place != "" && !slices.Contains(out, t.Place) {
			out = append(out, t.Place)
		}
	}
	return out
}

// PlaceName says where a timing was taken.
func PlaceName(p record.Place) string {
	switch p {
	case record.Native:
		return "native: on the machine that hapscope was called on"
	case record.KVM:
		return "kvm: in the lab, under hardware virtualization"
	case record.Emulated:
		return "emulated: in the lab, on a CPU emulated in software, so that these times say nothing about hardware"
	}
	return "nowhere"
}

// MachineAt returns the machine of a place, or nil where the record does not know it.
func (r *Report) MachineAt(p record.Place) *record.Machine {
	if at := r.Run.Timed[p]; at != nil && at.Machine != nil {
		return at.Machine
	}
	if p == r.CountedAt() {
		return r.Run.Machine
	}
	return nil
}

// newTimed sorts the timings by place and cell and works their numbers out.
func newTimed(rec *record.Record) (out []*Timed) {
	plan := rec.Run.Plan.Timing
	if plan == nil {
		return nil
	}
	home := homes(rec)
	for _, p := range append(record.Places(), "") {
		for _, v := range rec.Run.Plan.Variants {
			for _, w := range rec.Run.Plan.Workloads {
				if t := timedCell(rec, record.Cell{Variant: v, Workload: w}, p, home); t != nil {
					out = append(out, t)
				}
			}
		}
	}
	relate(out, referenceOf(&rec.Run.Plan), rec.Run.Plan.Seed)
	correct(out)
	return out
}

// homes says for each planned cell to which place its repetitions belong that have
// none, because they never ran: to that of its others, else to that of any cell.
func homes(rec *record.Record) map[record.Cell]record.Place {
	home := map[record.Cell]record.Place{}
	var any record.Place
	for i := range rec.Timings {
		if t := &rec.Timings[i]; t.Place != "" {
			any, home[t.Cell()] = cmp.Or(any, t.Place), cmp.Or(home[t.Cell()], t.Place)
		}
	}
	for _, s := range rec.Run.Plan.Timing.Steps {
		home[s.Cell] = cmp.Or(home[s.Cell], any)
	}
	return home
}

// timedCell gathers what belongs to a cell at a place, or nothing.
func timedCell(rec *record.Record, cell record.Cell, p record.Place, home map[record.Cell]record.Place) *Timed {
	t := &Timed{Cell: cell, Outcome: newOutcome(0), Place: p}
	done := map[int]bool{}
	for i := range rec.Timings {
		timing := &rec.Timings[i]
		if timing.Cell() != cell {
			continue
		}
		done[timing.Repetition] = true
		if cmp.Or(timing.Place, home[cell]) == p {
			t.timings = append(t.timings, timing)
		}
	}
	slices.SortStableFunc(t.timings, func(a, b *record.Timing) int { return a.Repetition - b.Repetition })
	for _, timing := range t.timings {
		t.count(timing.Repetition, timing.Status, timing.Reason, timing.Remedy, timing.Warnings, timing.Retried)
	}
	t.Planned = len(t.timings)
	for _, s := range rec.Run.Plan.Timing.Steps {
		if s.Cell == cell && !done[s.Repetition] && home[cell] == p {
			t.miss(s.Repetition)
			t.Planned++
		}
	}
	if t.Planned == 0 {
		return nil
	}
	t.measure()
	return t
}

// measure makes the series of the repetitions that are ok.
func (t *Timed) measure() {
	good := slices.DeleteFunc(slices.Clone(t.timings), func(t *record.Timing) bool { return t.Status != record.OK })
	slices.SortStableFunc(good, func(a, b *record.Timing) int { return a.Started.Compare(b.Started) })
	t.series = map[Metric]*Series{}
	for _, m := range TimingMetrics() {
		var values []float64
		for _, timing := range good {
			if v, ok := timingValue(timing, m); ok {
				values = append(values, v)
			}
		}
		if len(values) > 0 {
			t.series[m] = newSeries(m, values)
		}
	}
}

// timingValue returns one repetition's number of a metric, and whether there is one.
func timingValue(t *record.Timing, m Metric) (float64, bool) {
	if t.Status != record.OK {
		return 0, false
	}
	load, memory := t.Throughput, t.Memory
	switch {
	case m == ReqPerSec && load != nil && load.Seconds > 0:
		return float64(load.Requests) / load.Seconds, true
	case m == CPUPerKReq && load != nil && load.Requests > 0 && load.CPU > 0:
		return 1000 * load.CPU / float64(load.Requests), true
	case m == StartUp && t.StartUp != nil:
		return *t.StartUp, true
	case m == RSS && memory != nil && memory.Steady > 0:
		return float64(memory.Steady), true
	case m == PeakRSS && memory != nil && memory.Peak > 0:
		return float64(memory.Peak), true
	case t.Latency != nil && quantile(m) > 0:
		return percentile(t.Latency.Histogram, quantile(m))
	}
	return 0, false
}

// quantile is the one that a metric is, 0 for other metrics.
func quantile(m Metric) float64 {
	return map[Metric]float64{P50: .5, P95: .95, P99: .99, P999: .999}[m]
}

// percentile returns the upper bound of the bucket in which the quantile lies: the
// reply of that rank took no longer. So few replies that none lies beyond the quantile
// do not have it.
func percentile(histogram []record.Bucket, q float64) (float64, bool) {
	var seconds, counts []float64
	total := 0.0
	for _, b := range histogram {
		seconds, counts = append(seconds, b.Seconds), append(counts, float64(b.Count))
		total += float64(b.Count)
	}
	if total == 0 || total*(1-q) < 1-1e-9 {
		return 0, false
	}
	return stat.Quantile(q, stat.Empirical, seconds, counts), true
}

// Curve returns a cell's latency at each of the quantiles: the median over the
// repetitions that have it, nil where none does.
func (t *Timed) Curve(quantiles []float64) []*float64 {
	out := make([]*float64, len(quantiles))
	for i, q := range quantiles {
		var values []float64
		for _, timing := range t.timings {
			if timing.Status != record.OK || timing.Latency == nil {
				continue
			}
			if v, ok := percentile(timing.Latency.Histogram, q); ok {
				values = append(values, v)
			}
		}
		if len(values) > 0 {
			v := middle(slices.Sorted(slices.Values(values)))
			out[i] = &v
		}
	}
	return out
}
