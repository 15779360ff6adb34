package analysis

import "hapscope/record"

// Health is how the instrument fared in one recorded phase of a cell, over all
// of its repetitions that were measured.
type Health struct {
	Phase   record.Phase
	N       int    // repetitions
	Events  uint64 // decoded
	Lost    uint64
	Unknown uint64 // function entries at addresses that the table does not hold
}

// health sums up the results per phase; those that are not measured have none.
func health(results []*kept) (out []Health) {
	for _, phase := range record.Phases() {
		h := Health{Phase: phase}
		for _, r := range results {
			if p := r.Phase(phase); p != nil {
				h.N++
				h.Events += p.Events
				h.Lost += p.LostTotal()
				h.Unknown += p.Unknown
			}
		}
		if h.N > 0 {
			out = append(out, h)
		}
	}
	return out
}

// Instrument sums up the health of all cells.
func (r *Report) Instrument() (h Health) {
	for _, c := range r.Cells {
		for _, p := range c.Health {
			h.N += p.N
			h.Events += p.Events
			h.Lost += p.Lost
			h.Unknown += p.Unknown
		}
	}
	return h
}
