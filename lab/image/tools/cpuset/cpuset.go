// Package cpuset has the little of Kubernetes' package of that name that the
// Kata shim uses.
package cpuset

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// CPUSet is a set of the numbers of CPUs or memory nodes.
type CPUSet struct{ elems map[int]struct{} }

// NewCPUSet returns the set of the given numbers.
func NewCPUSet(cpus ...int) CPUSet {
	s := CPUSet{map[int]struct{}{}}
	for _, c := range cpus {
		s.elems[c] = struct{}{}
	}
	return s
}

// Parse reads the kernel's list format, such as "0-3,5". Nothing is the empty set.
func Parse(list string) (CPUSet, error) {
	s := NewCPUSet()
	if list == "" {
		return s, nil
	}
	for _, item := range strings.Split(list, ",") {
		first, last, isRange := strings.Cut(item, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		if err != nil {
			return NewCPUSet(), err
		}
		to, err := strconv.Atoi(last)
		if err != nil {
			return NewCPUSet(), err
		}
		if from < 0 || to < from {
			return NewCPUSet(), fmt.Errorf("%q is not a range of CPUs", item)
		}
		for c := from; c <= to; c++ {
			s.elems[c] = struct{}{}
		}
	}
	return s, nil
}

// Size returns the number of elements.
func (s CPUSet) Size() int { return len(s.elems) }

// Union returns the set of what is in either.
func (s CPUSet) Union(t CPUSet) CPUSet {
	u := NewCPUSet()
	for _, from := range []CPUSet{s, t} {
		for c := range from.elems {
			u.elems[c] = struct{}{}
		}
	}
	return u
}

// String gives the kernel's list format.
func (s CPUSet) String() string {
	cpus := make([]int, 0, len(s.elems))
	for c := range s.elems {
		cpus = append(cpus, c)
	}
	sort.Ints(cpus)
	var items []string
	for i := 0; i < len(cpus); {
		j := i
		for j+1 < len(cpus) && cpus[j+1] == cpus[j]+1 {
			j++
		}
		item := strconv.Itoa(cpus[i])
		if j > i {
			item += "-" + strconv.Itoa(cpus[j])
		}
		items = append(items, item)
		i = j + 1
	}
	return strings.Join(items, ",")
}
