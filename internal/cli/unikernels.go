package cli

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hapscope/lab/vm"
	"hapscope/lab/wire"
	"hapscope/record"
	"hapscope/runtimes"
)

// unikernels are what variants boot, by variant and workload, as in record.Plan.
type unikernels map[string]map[string]record.Unikernel

// needs says what of a variant's unikernels is missing or wrong. Those that are not named
// at all are told together.
func (u unikernels) needs(r runtimes.Runtime) (reqs []record.Requirement) {
	boots := runtimes.UnikernelsOf(r)
	if boots == nil {
		return nil
	}
	var unnamed []string
	for _, w := range allWorkloads() {
		if one, ok := u[r.Variant()][w.Name()]; ok {
			reqs = append(reqs, boots.Check(w.Name(), &one)...)
		} else {
			unnamed = append(unnamed, w.Name())
		}
	}
	if unnamed != nil {
		reqs = append(reqs, boots.Check(strings.Join(unnamed, ", "), nil)...)
	}
	return reqs
}

// shares are the directories of this machine that the lab must see to boot them, at the
// same paths, and where tenders are.
func (u unikernels) shares() (shares []vm.Share) {
	if len(u) == 0 {
		return nil
	}
	dirs := map[string]bool{}
	for _, workloads := range u {
		for _, one := range workloads {
			dirs[filepath.Dir(one.Image)] = true
			if info, err := os.Stat(one.Disk); err == nil && info.IsDir() {
				dirs[one.Disk] = true
			} else if one.Disk != "" {
				dirs[filepath.Dir(one.Disk)] = true
			}
		}
	}
	dirs[wire.NablaDir] = true
	// The outer first: what lies in it is seen with it.
	for _, dir := range slices.SortedFunc(maps.Keys(dirs), func(a, b string) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) }) {
		info, err := os.Stat(dir)
		seen := slices.ContainsFunc(shares, func(s vm.Share) bool { return strings.HasPrefix(dir, s.Host+"/") })
		if err == nil && info.IsDir() && !seen { // what is not there the check inside will miss
			shares = append(shares, vm.Share{Host: dir, Guest: dir})
		}
	}
	return shares
}
