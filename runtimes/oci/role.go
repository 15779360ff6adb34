package oci

import (
	"path/filepath"

	"hapscope/record"
)

// RolesOf are the roles of what a runtime's program starts, by the last part of their
// first argument, and of all else that runs in its sandbox. A program that is not among
// Flavours has none that are known.
func RolesOf(program string) (roles map[string]record.Role, otherwise record.Role) {
	for _, f := range Flavours() {
		if f.Binary == filepath.Base(program) {
			return f.Roles, f.Program
		}
	}
	return nil, record.RoleOther
}

// CapabilitiesOf are those without which a program makes no sandbox; none where it is unknown.
func CapabilitiesOf(program string) []string {
	for _, f := range Flavours() {
		if f.Binary == filepath.Base(program) {
			return f.Capabilities
		}
	}
	return nil
}
