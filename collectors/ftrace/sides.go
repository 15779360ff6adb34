package ftrace

import (
	"hapscope/collectors/internal/seccomp"
	"hapscope/record"
)

// sides tells the functions of process context apart by whether the thread that entered
// them was held by a filter at that moment.
func (s *Session) sides(sum *counter, held *seccomp.Held) *record.Sides {
	var free, confined perThread
	for tid, functions := range sum.threads {
		if s.identities[tid].Context() != record.InProcess { // they were told apart just before
			continue
		}
		since, is := held.Since(tid)
		functions.each(func(f int, v visits) {
			if !is || v.first <= since {
				free.add(f, v)
			}
			if is && v.last > since {
				confined.add(f, v)
			}
		})
	}
	return &record.Sides{Installed: held.Installed, Unconfined: s.entered(free), Confined: s.entered(confined)}
}

// entered lists functions without those that run only because of the collectors.
func (s *Session) entered(functions perThread) []int {
	list := []int{}
	functions.each(func(f int, _ visits) {
		if !s.own(f) {
			list = append(list, f)
		}
	})
	return list
}
