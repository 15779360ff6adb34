package policy

import (
	"context"
	"fmt"
	"os"

	"hapscope/internal/kernel/probe"
	"hapscope/record"
)

// Name is what the collector is called.
const Name = "policy"

// Check reports what reading needs of this machine. What only an attempt can tell, such
// as a kernel that keeps no filters, is said by what is read.
func Check(context.Context) []record.Requirement {
	return []record.Requirement{probe.Root(), probe.Cgroup2(), ownSeccomp()}
}

// ownSeccomp asks that hapscope be under no filter itself: the kernel tells filters to
// no one who is (seccomp_get_filter, kernel/seccomp.c).
func ownSeccomp() record.Requirement {
	r := record.Requirement{Name: "no seccomp filter on hapscope itself"}
	s, err := readStatus(os.Getpid())
	switch {
	case err != nil:
		r.Detail = err.Error()
	case s.Seccomp != record.SeccompOff:
		r.Detail = fmt.Sprintf("seccomp mode %s, %d filters", s.Seccomp, s.Filters)
		r.Remedy = "run outside of a container, or with --security-opt seccomp=unconfined"
	default:
		r.Met, r.Detail = true, "none"
	}
	return r
}
