package shim

import (
	"hapscope/record"
	"hapscope/runtimes"
)

// Role implements runtimes.Runtime.
func (r *Runtime) Role(t record.Thread) record.Role {
	return runtimes.RoleOf(t, map[string]record.Role{
		"containerd-shim-kata-v2": record.RoleShim,
		"qemu-system-x86_64":      record.RoleVMM,
		"cloud-hypervisor":        record.RoleVMM,
		"firecracker":             record.RoleVMM,
		"jailer":                  record.RoleVMM,
		"virtiofsd":               record.RoleVirtiofsd,
	}, record.RoleOther)
}
