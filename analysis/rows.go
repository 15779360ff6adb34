package analysis

import "hapscope/record"

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
