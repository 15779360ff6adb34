package analysis

import (
	"encoding/binary"
	"slices"

	"hapscope/record"
)

// packed is a set of functions of one kernel's table in little room: their number, then
// the distance of each to the one before, as varints. That is a byte a function, of which
// sets of a repetition have thousands; a long run has ten thousand repetitions.
type packed []byte

// pack packs functions, which ascend; base is taken from each.
func pack(s []int, base int) packed {
	b := binary.AppendUvarint(make([]byte, 0, 2*len(s)+binary.MaxVarintLen64), uint64(len(s)))
	last := base
	for _, f := range s {
		b, last = binary.AppendUvarint(b, uint64(f-last)), f
	}
	return slices.Clone(b) // to its size
}

// packHits packs the functions that were hit.
func packHits(hits []record.Hit) packed {
	b := binary.AppendUvarint(make([]byte, 0, 2*len(hits)+binary.MaxVarintLen64), uint64(len(hits)))
	last := 0
	for _, h := range hits {
		b, last = binary.AppendUvarint(b, uint64(h.Function-last)), h.Function
	}
	return slices.Clone(b)
}

// set unpacks; base is added to each function.
func (p packed) set(base int) Set {
	n, size := binary.Uvarint(p)
	s, last := make(Set, n), uint64(base)
	for i := range s {
		p = p[size:]
		var step uint64
		step, size = binary.Uvarint(p)
		last += step
		s[i] = int(last)
	}
	return s
}
