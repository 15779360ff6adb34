package shim

import (
	"hapscope/record"
	"hapscope/runtimes"
)

// Role implements runtimes.Runtime.
func (r *Runtime) Role(t record.Thread) record.Role {
	// By what they were started as, and by the names that the kernel cuts at 15 bytes.
	return runtimes.RoleOf(t, map[string]record.Role{
		"containerd-shim-kata-v2": record.RoleShim, "containerd-shim": record.RoleShim,
		"qemu-system-x86": record.RoleVMM, "cloud-hypervisor": record.RoleVMM,
		"firecracker": record.RoleVMM, "jailer": record.RoleVMM,
		"virtiofsd": record.RoleVirtiofsd,
	}, record.RoleOther)
}
