package runtimes

import "hapscope/record"

// RoleOf looks a thread's role up by its process: by what it was started as, then by
// its name.
func RoleOf(t record.Thread, roles map[string]record.Role, otherwise record.Role) record.Role {
	if role, ok := roles[t.Command]; ok {
		return role
	}
	if role, ok := roles[t.Process]; ok {
		return role
	}
	return otherwise
}
