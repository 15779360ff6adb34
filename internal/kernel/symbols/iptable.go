package symbols

import "math/bits"

// ipTable maps addresses to indices by open addressing: one multiplication and
// mostly one cache line for each decoded event, where Go's map takes several
// times that.
type ipTable struct {
	slots []ipSlot // a power of two; address 0 is free
	shift uint
	used  int
}

type ipSlot struct {
	ip    uint64
	index int32
}

// newIPTable makes a table that n addresses fill to half at most.
func newIPTable(n int) ipTable {
	size := bits.Len(uint(2*n + 1))
	return ipTable{slots: make([]ipSlot, 1<<size), shift: uint(64 - size)}
}

// start spreads by Fibonacci hashing: functions are aligned, so low bits say little.
func (t *ipTable) start(ip uint64) int { return int(ip * 0x9e3779b97f4a7c15 >> t.shift) }

// put stores an address; the first index given for it stays. A table that is half
// full doubles.
func (t *ipTable) put(ip uint64, index int) {
	if 2*t.used >= len(t.slots) {
		bigger := newIPTable(len(t.slots))
		for _, s := range t.slots {
			if s.ip != 0 {
				bigger.put(s.ip, int(s.index))
			}
		}
		*t = bigger
	}
	for i := t.start(ip); ; i = (i + 1) & (len(t.slots) - 1) {
		switch t.slots[i].ip {
		case 0:
			t.slots[i] = ipSlot{ip, int32(index)}
			t.used++
			return
		case ip:
			return
		}
	}
}

func (t *ipTable) get(ip uint64) int {
	if len(t.slots) == 0 || ip == 0 {
		return -1
	}
	for i := t.start(ip); ; i = (i + 1) & (len(t.slots) - 1) {
		switch s := &t.slots[i&(len(t.slots)-1)]; s.ip {
		case ip:
			return int(s.index)
		case 0:
			return -1
		}
	}
}
