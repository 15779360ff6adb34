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
func roleContexts() []record.Context {
	return roleContextsWhere(func(record.Role) bool { return true })
}

func roleContextsWhere(is func(record.Role) bool) (out []record.Context) {
	for _, r := range record.Roles() {
		if is(r) {
			out = append(out, RoleContext(r))
		}
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
	derive(to, Front, AllRoles)
}

// completeRoles gives a role that was seen in one repetition an empty set in the
// others: there it did nothing.
func completeRoles(drafts []*draft) {
	for _, c := range roleContexts() {
		seen := false
		for _, d := range drafts {
			_, ok := d.functions[c]
			seen = seen || ok
		}
		for _, d := range drafts {
			if _, ok := d.functions[c]; seen && !ok && d.functions[AllRoles] != nil {
				d.functions[c] = Set{}
			}
		}
	}
}
