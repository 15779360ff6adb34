package shim

import (
	"hapscope/record"
	"hapscope/runtimes"
)

// Role implements runtimes.Runtime.
func (r *Runtime) Role(t record.Thread) record.Role {
	return runtimes.RoleOf(t, Roles(), record.RoleOther)
}

// Roles are those of Kata's processes by the last part of their first argument.
func Roles() map[string]record.Role {
	return map[string]record.Role{
		"containerd-shim-kata-v2": record.RoleShim,
		"containerd":              record.RoleShim, // run by it for each event (containerd publish)
		"qemu-system-x86_64":      record.RoleVMM,
		"cloud-hypervisor":        record.RoleVMM,
		"firecracker":             record.RoleVMM,
		"jailer":                  record.RoleVMM,
		"virtiofsd":               record.RoleVirtiofsd,
	}
}
