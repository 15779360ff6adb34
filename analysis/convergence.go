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
func (c Convergence) Curve() string { return strings.Join(few(c.Seen, ""), " → ") }

// Gains is the number of functions that each repetition has brought, in words.
func (c Convergence) Gains() string { return strings.Join(few(c.New, "+"), ", ") }

// few writes numbers, those after the first with a sign; of a long list the middle is
// left out, of which nobody reads each.
func few(numbers []int, sign string) (out []string) {
	const most, ends = 12, 5
	for i, n := range numbers {
		switch {
		case len(numbers) > most && i == ends:
			out = append(out, "…")
		case len(numbers) > most && i > ends && i < len(numbers)-ends:
		case i == 0:
			out = append(out, fmt.Sprint(n))
		default:
			out = append(out, sign+fmt.Sprint(n))
		}
	}
	return out
}

// Converged reports whether a cell with these results needs no further repetition.
func Converged(results []record.Result, share float64) bool {
	entries, sum := tally{}, newAddition()
	for i := range results {
		p := results[i].Phase(record.Steady)
		if !measured(results[i].Status) || p == nil || p.Functions == nil {
			continue
		}
		hits := p.Functions[record.InProcess]
		entries.add(results[i].Kernel, hits)
		sum.take(results[i].Kernel, setOf(hits), p.Bounds)
	}
	return sum.finish(entries).Converged(share)
}

// converge goes through a cell's results in their order.
func converge(of *gathered) Convergence {
	sum := newAddition()
	for _, r := range of.results {
		p, k := r.phase(record.Steady)
		if p == nil || !k.counted {
			continue
		}
		set, _ := k.set(record.InProcess, 0)
		sum.take(r.Kernel, set, p.Bounds)
	}
	return sum.finish(of.entries)
}

// addition is how the functions of a cell add up.
type addition struct {
	Convergence
	functions map[string]map[int]bool // by kernel
	n         int
}

func newAddition() *addition { return &addition{functions: map[string]map[int]bool{}} }

// take adds a repetition.
func (s *addition) take(kernel string, functions Set, bounds bool) {
	known := s.functions[kernel]
	if known == nil {
		known = map[int]bool{}
		s.functions[kernel] = known
	}
	before := s.n
	for _, f := range functions {
		if !known[f] {
			known[f] = true
			s.n++
		}
	}
	s.New, s.Seen = append(s.New, s.n-before), append(s.Seen, s.n)
	s.Bounds = s.Bounds || bounds
}

// finish estimates what there is to be seen.
func (s *addition) finish(t tally) Convergence {
	all := make([]uint64, 0, s.n)
	for _, counts := range t {
		for _, n := range counts {
			if n > 0 {
				all = append(all, n)
			}
		}
	}
	s.Richness = Chao1(all)
	return s.Convergence
}
