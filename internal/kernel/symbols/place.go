package symbols

import (
	"cmp"
	"slices"
)

// key names functions as people do: several may have the same.
type key struct{ module, name string }

// placeByName finds addresses for sites that have only names, and counts those
// for which another address would do as well.
//
// A name may belong to several functions, traceable or not. What tells them
// apart is the order of the file: the sites of the image, and those of each
// module, ascend by address (ftrace_process_locs sorts them,
// kernel/trace/ftrace.c). Going up and taking the lowest address above the
// previous site gives the lowest assignment that is possible, going down and
// taking the highest gives the highest one. Where both agree there is no other.
// Where they do not, the lower is taken.
//
// A site whose name has no address in order is left out of placed (0); that
// happens only where kallsyms and the list were read at different times.
func placeByName(sites []site, text []symbol) (placed []uint64, ambiguous int) {
	candidates := make(map[key][]uint64)
	for _, s := range text {
		k := key{s.module, s.name}
		candidates[k] = append(candidates[k], s.address)
	}
	for k, addresses := range candidates {
		slices.Sort(addresses)
		candidates[k] = slices.Compact(addresses)
	}
	placed = make([]uint64, len(sites))
	last := make(map[string]uint64) // module → address of the previous site
	for i, s := range sites {
		c := candidates[key{s.module, s.name}]
		at, found := slices.BinarySearch(c, last[s.module])
		if found {
			at++ // strictly above
		}
		if at < len(c) {
			placed[i], last[s.module] = c[at], c[at]
		}
	}
	clear(last)
	for i, s := range slices.Backward(sites) {
		if placed[i] == 0 {
			continue
		}
		c := candidates[key{s.module, s.name}]
		at := len(c)
		if next := last[s.module]; next != 0 {
			at, _ = slices.BinarySearch(c, next)
		}
		if at == 0 {
			continue // cannot be: the way up has found one
		}
		last[s.module] = c[at-1]
		if c[at-1] != placed[i] {
			ambiguous++
		}
	}
	return placed, ambiguous
}

// placeByAddress finds the start of the function in which each site lies: a
// site is up to 16 bytes behind it (endbr64, FTRACE_MCOUNT_MAX_OFFSET and the
// like).
func placeByAddress(sites []site, text []symbol) []uint64 {
	starts := make([]symbol, 0, len(text))
	starts = append(starts, text...)
	slices.SortFunc(starts, func(a, b symbol) int { return cmp.Compare(a.address, b.address) })
	placed := make([]uint64, len(sites))
	for i, s := range sites {
		at, found := slices.BinarySearchFunc(starts, s.ip, func(a symbol, ip uint64) int { return cmp.Compare(a.address, ip) })
		if !found {
			at--
		}
		placed[i] = s.ip
		if at >= 0 && s.ip-starts[at].address <= maxSiteOffset && starts[at].module == s.module {
			placed[i] = starts[at].address
		}
	}
	return placed
}
