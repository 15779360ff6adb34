package runtimes

import "hapscope/record"

// RoleOf looks a thread's role up by what its process was started as. One that hides
// that, or has ended but for its entry in the process table, has none of them.
func RoleOf(t record.Thread, roles map[string]record.Role, otherwise record.Role) record.Role {
	if role, ok := roles[t.Command]; ok {
		return role
	}
	return otherwise
}
