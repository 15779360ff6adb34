package analysis

import (
	"slices"

	"hapscope/record"
)

// Row is one line of tidy data: one value, fully named.
type Row struct {
	record.Cell
	Repetition int
	Key
	Value  *float64 // nil where there is no number
	Status record.Status
}

// Rows returns every value of every repetition. A repetition without numbers
// has one row, under the HAP's key, so that whoever looks for that number finds
// why it is not there.
func (r *Report) Rows() (rows []Row) {
	for _, c := range r.Cells {
		without := map[int]record.Status{}
		for _, t := range c.Troubles {
			for _, n := range t.Repetitions {
				if !measured(t.Status) {
					without[n] = t.Status
				}
			}
		}
		for n := 1; n <= r.lastRepetition(c); n++ {
			if status, ok := without[n]; ok {
				rows = append(rows, Row{Cell: c.Cell, Repetition: n, Key: HAP(), Status: status})
				continue
			}
			rows = append(rows, c.rows(n)...)
		}
	}
	for _, t := range r.Timed {
		rows = append(rows, t.rows()...)
	}
	return rows
}

// TimedPhase stands for the phase in rows of repetitions without collectors, whose
// contexts are their places.
const TimedPhase record.Phase = "timed"

// rows returns every value of every timed repetition, by repetition. One that is not ok
// has one row, that of the throughput.
func (t *Timed) rows() (rows []Row) {
	key := func(m Metric) Key { return Key{TimedPhase, record.Context(t.Place), m} }
	for _, trouble := range t.Troubles {
		for _, n := range trouble.Repetitions {
			rows = append(rows, Row{Cell: t.Cell, Repetition: n, Key: key(ReqPerSec), Status: trouble.Status})
		}
	}
	for _, timing := range t.timings {
		for _, m := range TimingMetrics() {
			if v, ok := timingValue(timing, m); ok {
				rows = append(rows, Row{t.Cell, timing.Repetition, key(m), &v, timing.Status})
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return a.Repetition - b.Repetition })
	return rows
}

// lastRepetition is the highest repetition planned for a cell.
func (r *Report) lastRepetition(c *Cell) (last int) {
	for _, s := range r.Run.Plan.Steps {
		if s.Cell == c.Cell {
			last = max(last, s.Repetition)
		}
	}
	return last
}

// rows returns the values of one measured repetition.
func (c *Cell) rows(repetition int) (rows []Row) {
	for _, phase := range Phases() {
		for _, s := range c.samples[phase] {
			if s.Repetition != repetition {
				continue
			}
			for _, m := range Metrics() {
				for _, context := range Contexts() {
					if v, ok := s.value(m, context); ok {
						rows = append(rows, Row{c.Cell, repetition, Key{phase, context, m}, &v, s.Status})
					}
				}
			}
		}
	}
	return rows
}

// Value is a number of one repetition.
type Value struct {
	Metric Metric
	Value  float64
}

// Values returns what the sample has in a context.
func (s *Sample) Values(c record.Context) (out []Value) {
	for _, m := range Metrics() {
		if v, ok := s.value(m, c); ok {
			out = append(out, Value{m, v})
		}
	}
	return out
}

// Repetitions returns what each repetition gave that is ok, by repetition.
func (t *Timed) Repetitions() (out [][]Value) {
	for _, timing := range t.timings {
		var values []Value
		for _, m := range TimingMetrics() {
			if v, ok := timingValue(timing, m); ok {
				values = append(values, Value{m, v})
			}
		}
		if len(values) > 0 {
			out = append(out, values)
		}
	}
	return out
}
