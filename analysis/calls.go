package analysis

import (
	"maps"
	"slices"

	"hapscope/record"
)

// CallTable holds what was counted by name in a workload's steady state.
type CallTable struct {
	Workload string
	Variants []string     // those measured, in the order of the plan
	Names    []string     // of everything that any variant did, sorted
	Calls    [][]*float64 // per name and variant: mean per repetition; nil where it never happened
}

// SyscallTables returns one table for each workload for which calls were measured.
func (r *Report) SyscallTables() []CallTable {
	return r.callTables(func(s *Sample) map[string]uint64 { return s.Syscalls })
}

// VMTables returns, for each workload, what virtual machines made KVM, vhost and virtiofsd do.
// Variants without any are left out, and so are workloads without such variants.
func (r *Report) VMTables() []CallTable {
	return r.callTables(func(s *Sample) map[string]uint64 {
		flat := map[string]uint64{}
		flatten(flat, "", s.VM)
		flatten(flat, "vhost ", s.Vhost)
		flatten(flat, "virtiofs ", s.Virtiofs)
		if len(flat) == 0 {
			return nil
		}
		return flat
	})
}

// flatten adds counts under names that begin with their kind.
func flatten[K ~string](flat map[string]uint64, prefix string, counted map[K]map[string]uint64) {
	for kind, events := range counted {
		for name, n := range events {
			flat[prefix+string(kind)+" "+name] = n
		}
	}
}

func (r *Report) callTables(counts func(*Sample) map[string]uint64) (out []CallTable) {
	for _, w := range r.Run.Plan.Workloads {
		t := CallTable{Workload: w}
		var columns []map[string]float64
		for _, c := range r.Cells {
			if c.Workload != w {
				continue
			}
			if m := means(c.samples[record.Steady], counts); m != nil {
				t.Variants = append(t.Variants, c.Variant)
				columns = append(columns, m)
			}
		}
		t.Names = sortedNames(columns)
		for _, name := range t.Names {
			row := make([]*float64, len(columns))
			for i, m := range columns {
				if v, ok := m[name]; ok {
					row[i] = &v
				}
			}
			t.Calls = append(t.Calls, row)
		}
		if len(t.Variants) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// means returns the mean of counts per repetition by name, or nil where no sample
// has any.
func means(samples []*Sample, counts func(*Sample) map[string]uint64) map[string]float64 {
	var total map[string]float64
	n := 0
	for _, s := range samples {
		all := counts(s)
		if all == nil {
			continue
		}
		if total == nil {
			total = map[string]float64{}
		}
		n++
		for name, calls := range all {
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
