package analysis

import (
	"strings"

	"hapscope/record"
)

// rolePrefix begins the names of the contexts that are roles.
const rolePrefix = "role:"

// RoleContext is what the threads of one role did, in process context.
func RoleContext(r record.Role) record.Context { return record.Context(rolePrefix + string(r)) }

// roleContexts lists those of all roles.
func roleContexts() (out []record.Context) {
	for _, r := range record.Roles() {
		out = append(out, RoleContext(r))
	}
	return out
}

// RoleOf is the role of a role's context, "" for other contexts.
func RoleOf(c record.Context) record.Role {
	if name, ok := strings.CutPrefix(string(c), rolePrefix); ok {
		return record.Role(name)
	}
	return ""
}

// BackEnd reports whether a role serves the sandbox from outside of what runs the
// program: what older measurements, which traced one process, left out.
func BackEnd(r record.Role) bool {
	switch r {
	case record.RoleWorkload, record.RoleSentry, record.RoleStub, record.RoleVMM, record.RoleVCPU:
		return false
	}
	return true
}

// addRoles adds the contexts of roles to a sample's sets.
func addRoles(sets map[record.Context]Set, roles map[record.Role]*record.RoleSighting, base int) {
	if roles == nil {
		return
	}
	for role, seen := range roles {
		sets[RoleContext(role)] = setOf(seen.Functions, base)
	}
	deriveRoles(sets)
}

// deriveRoles adds the unions of roles.
func deriveRoles(sets map[record.Context]Set) {
	front, all := Set{}, Set{}
	for _, role := range record.Roles() {
		set := sets[RoleContext(role)]
		all = all.Union(set)
		if !BackEnd(role) {
			front = front.Union(set)
		}
	}
	sets[Front], sets[AllRoles] = front, all
}

// joinRoles adds what the roles did in either of two phases, where both tell.
func joinRoles(to, a, b map[record.Context]Set) {
	if a[AllRoles] == nil || b[AllRoles] == nil {
		return
	}
	for _, c := range roleContexts() {
		x, inA := a[c]
		y, inB := b[c]
		if inA || inB {
			to[c] = x.Union(y)
		}
	}
	deriveRoles(to)
}

// completeRoles gives a role that was seen in one repetition an empty set in the
// others: there it did nothing.
func completeRoles(samples []*Sample) {
	for _, c := range roleContexts() {
		seen := false
		for _, s := range samples {
			_, ok := s.Functions[c]
			seen = seen || ok
		}
		for _, s := range samples {
			if _, ok := s.Functions[c]; seen && !ok && s.Functions[AllRoles] != nil {
				s.Functions[c] = Set{}
			}
		}
	}
}
