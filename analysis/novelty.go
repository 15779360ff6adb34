package analysis

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/combin"

	"hapscope/record"
)

// Seen is a function that a cell ran in some repetitions of one of two records, and in
// none of the other.
type Seen struct {
	record.Function
	Name          string
	Before, After int // repetitions that ran it
}

// contest is which repetitions of a cell, in one phase and context, ran each function:
// those of the earlier record come first, those of the later one after them.
type contest struct {
	before, after int // repetitions
	ran           map[int]repetitions
}

// repetitions is a set of them, a bit each.
type repetitions []uint64

func (r repetitions) add(i int) { r[i/64] |= 1 << (i % 64) }

func (r repetitions) has(i int) bool { return r[i/64]>>(i%64)&1 == 1 }

// count is how many of [from, to) are in the set.
func (r repetitions) count(from, to int) (n int) {
	for i := from; i < to; i++ {
		if r.has(i) {
			n++
		}
	}
	return n
}

func (r repetitions) within(other repetitions) bool {
	for i := range r {
		if r[i]&^other[i] != 0 {
			return false
		}
	}
	return true
}

func newRepetitions(n int) repetitions { return make(repetitions, (n+63)/64) }

// newContest gathers sets of functions, whose numbers mean the same in both records.
func newContest(before, after [][]int) *contest {
	c := &contest{before: len(before), after: len(after), ran: map[int]repetitions{}}
	for i, set := range slices.Concat(before, after) {
		for _, f := range set {
			if c.ran[f] == nil {
				c.ran[f] = newRepetitions(c.before + c.after)
			}
			c.ran[f].add(i)
		}
	}
	return c
}

// reversed is the contest with the records exchanged.
func (c *contest) reversed() *contest {
	out := &contest{before: c.after, after: c.before, ran: map[int]repetitions{}}
	for f, ran := range c.ran {
		turned := newRepetitions(c.before + c.after)
		for i := range c.before + c.after {
			if ran.has(i) {
				turned.add((i + c.after) % (c.before + c.after))
			}
		}
		out.ran[f] = turned
	}
	return out
}

// luck is the chance that k repetitions which ran a function are all among those of the
// later record, if nothing has changed: Fisher's exact test, one-sided.
func luck(k, before, after int) float64 {
	p := 1.0
	for i := range k {
		p *= float64(after-i) / float64(before+after-i)
	}
	return p
}

// rare reports whether so small a chance is taken for a change. A function in all of
// three repetitions and none of three others gives exactly alpha, and is enough.
func rare(p float64) bool { return p <= alpha*(1+1e-9) }

// least is in how many repetitions of the later record a function must be that is in
// none of the earlier one, to be beyond what repetitions differ by; 0 where they are too
// few for any to be.
func least(before, after int) int {
	for k := 1; k <= after; k++ {
		if rare(luck(k, before, after)) {
			return k
		}
	}
	return 0
}

// gained sorts the functions that no repetition of the earlier record ran into those
// that the later one ran too often for chance, and the rest.
func (c *contest) gained() (beyond, passing []int) {
	enough := least(c.before, c.after)
	for f, ran := range c.ran {
		switch {
		case ran.count(0, c.before) > 0:
		case enough > 0 && ran.count(c.before, c.before+c.after) >= enough:
			beyond = append(beyond, f)
		default:
			passing = append(passing, f)
		}
	}
	return beyond, passing
}

// relabellings is how many ways to divide the repetitions into two records are tried
// where there are too many for all.
const relabellings = 10_000

// allLabellings is up to how many repetitions of both records all ways are tried: there
// are 1716 to divide 13.
const allLabellings = 13

// chance is how often so many functions would seem gained if the repetitions were
// dealt out to the two records at random: a permutation test, which knows by itself how
// much the cell's repetitions differ, and that functions come in clusters: those of one
// migration to another CPU are all there or none.
func (c *contest) chance(gained int) float64 {
	if gained == 0 {
		return 1
	}
	enough, total := least(c.before, c.after), c.before+c.after
	patterns := map[string]int{}
	var distinct []repetitions
	for _, ran := range c.ran {
		if n := ran.count(0, total); n < enough || n > c.after {
			continue // never gained, however they are dealt
		}
		key := ran.key()
		if patterns[key] == 0 {
			distinct = append(distinct, ran)
		}
		patterns[key]++
	}
	hits, tries := 0, 0
	c.deal(func(later repetitions) {
		n := 0
		for _, ran := range distinct {
			if ran.within(later) {
				n += patterns[ran.key()]
			}
		}
		tries++
		if n >= gained {
			hits++
		}
	})
	return float64(hits) / float64(tries)
}

// leastChance is the smallest value that chance can be relied on to return for so many
// repetitions: where functions were lost as well, the records exchanged are a second way
// to deal that gains as many.
func leastChance(before, after int) float64 {
	p := 2 * luck(after, before, after)
	if before+after > allLabellings {
		p = max(p, 1./relabellings)
	}
	return p
}

func (r repetitions) key() string {
	var b strings.Builder
	for _, word := range r {
		for range 8 {
			b.WriteByte(byte(word))
			word = bits.RotateLeft64(word, -8)
		}
	}
	return b.String()
}

// deal tries ways to take the later record's repetitions out of all, the real one among
// them. The random ones are the same each time.
func (c *contest) deal(try func(later repetitions)) {
	total := c.before + c.after
	take := func(chosen []int) {
		later := newRepetitions(total)
		for _, i := range chosen {
			later.add(i)
		}
		try(later)
	}
	if total <= allLabellings {
		for _, chosen := range combin.Combinations(total, c.after) {
			take(chosen)
		}
		return
	}
	actual := make([]int, c.after)
	for i := range actual {
		actual[i] = c.before + i
	}
	take(actual)
	random := rand.New(rand.NewPCG(uint64(c.before), uint64(c.after)))
	for range relabellings - 1 {
		take(random.Perm(total)[:c.after])
	}
}
