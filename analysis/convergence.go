package analysis

import (
	"fmt"
	"strings"

	"hapscope/record"
)

// Convergence says whether further repetitions of a cell would show further
// functions: of the steady state, in process context.
type Convergence struct {
	New      []int    // per measured repetition: functions that none before it had
	Seen     []int    // per measured repetition: functions seen until then
	Richness Richness // of all repetitions together
	// Bounds says that the witness's counts are lower bounds. Those of one and two
	// entries, on which the estimate rests, are exact all the same.
	Bounds bool
}

// Converged reports whether at most that share of functions is unseen by the
// estimate, and the last of at least three repetitions has brought no more.
func (c Convergence) Converged(share float64) bool {
	n := len(c.New)
	if n < minRepetitions || c.Richness.Observed == 0 {
		return false
	}
	return c.Richness.Unseen() <= share && float64(c.New[n-1]) <= share*float64(c.Richness.Observed)
}

// Curve is the number of functions seen, by repetition, in words.
func (c Convergence) Curve() string {
	parts := make([]string, len(c.Seen))
	for i, n := range c.Seen {
		parts[i] = fmt.Sprint(n)
	}
	return strings.Join(parts, " → ")
}

// Converged reports whether a cell with these results needs no further repetition.
func Converged(results []record.Result, share float64) bool {
	pointers := make([]*record.Result, len(results))
	for i := range results {
		pointers[i] = &results[i]
	}
	return converge(pointers).Converged(share)
}

// converge goes through a cell's results in their order.
func converge(results []*record.Result) (c Convergence) {
	entries := map[int]uint64{}
	for _, r := range results {
		p := r.Phase(record.Steady)
		if !measured(r.Status) || p == nil || p.Functions == nil {
			continue
		}
		before := len(entries)
		for _, h := range p.Functions[record.InProcess] {
			entries[h.Function] += h.Count
		}
		c.New = append(c.New, len(entries)-before)
		c.Seen = append(c.Seen, len(entries))
		c.Bounds = c.Bounds || p.Bounds
	}
	all := make([]uint64, 0, len(entries))
	for _, n := range entries {
		all = append(all, n)
	}
	c.Richness = Chao1(all)
	return c
}
