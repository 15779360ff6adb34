package analysis

import (
	"maps"
	"slices"
)

// meanCalls returns the mean number of calls per repetition by name, or nil
// where no sample has any.
func meanCalls(samples []*Sample) map[string]float64 {
	var total map[string]float64
	n := 0
	for _, s := range samples {
		if s.Syscalls == nil {
			continue
		}
		if total == nil {
			total = map[string]float64{}
		}
		n++
		for name, calls := range s.Syscalls {
			total[name] += float64(calls)
		}
	}
	for name := range total {
		total[name] /= float64(n)
	}
	return total
}

// sortedNames returns the keys of all maps, sorted.
func sortedNames(ms []map[string]float64) []string {
	all := map[string]float64{}
	for _, m := range ms {
		maps.Copy(all, m)
	}
	return slices.Sorted(maps.Keys(all))
}
