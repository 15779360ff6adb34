package driver

import (
	"slices"

	"hapscope/collectors"
	"hapscope/record"
)

// roleOf says what a thread is to the sandbox: what the kernel tells of it comes
// before what the runtime knows by names.
func roleOf(t record.Thread, user func(record.Thread) record.Role) record.Role {
	switch {
	case t.Ended:
		return record.RoleEnded
	case t.VCPU:
		return record.RoleVCPU
	case t.Kernel && collectors.ThreadKind(t.Name) == "vhost":
		return record.RoleVhost
	case t.Kernel:
		return record.RoleKthread
	}
	return user(t)
}

// byRole adds up what threads of the same role did.
func byRole(threads []collectors.Threads, user func(record.Thread) record.Role) map[record.Role]*record.RoleSighting {
	if threads == nil {
		return nil
	}
	counts, out := map[record.Role]map[int]uint64{}, map[record.Role]*record.RoleSighting{}
	for _, t := range threads {
		role := roleOf(t.Thread, user)
		if out[role] == nil {
			counts[role], out[role] = map[int]uint64{}, &record.RoleSighting{}
		}
		s := out[role]
		s.Threads += t.Number
		if t.Process != "" && !slices.Contains(s.Processes, t.Process) {
			s.Processes = append(s.Processes, t.Process)
		}
		for _, h := range t.Functions {
			counts[role][h.Function] += h.Count
		}
	}
	for role, s := range out {
		slices.Sort(s.Processes)
		for f, n := range counts[role] {
			s.Functions = append(s.Functions, record.Hit{Function: f, Count: n})
		}
	}
	return out
}
