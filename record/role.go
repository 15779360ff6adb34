package record

// Role is what a thread is to its sandbox, seen from the host.
type Role string

// The roles.
const (
	RoleWorkload  Role = "workload"  // the program itself, served by the host kernel
	RoleSentry    Role = "sentry"    // a kernel in user space
	RoleStub      Role = "stub"      // in which such a kernel lets the program run
	RoleVMM       Role = "vmm"       // virtual machine monitor: all of its threads but virtual CPUs
	RoleVCPU      Role = "vcpu"      // thread that runs a virtual CPU
	RoleVhost     Role = "vhost"     // worker of vhost
	RoleVirtiofsd Role = "virtiofsd" // file back-end of a virtual machine
	RoleGofer     Role = "gofer"     // file back-end of gVisor
	RoleShim      Role = "shim"      // between the container manager and the sandbox
	RoleRuntime   Role = "runtime"   // a command of the runtime
	RoleKthread   Role = "kthread"   // another thread that the kernel has in the sandbox's name
	RoleEnded     Role = "ended"     // ended before anyone could tell
	RoleOther     Role = "other"     // none of these
)

// Roles lists the roles, those that are nearest to the program first.
func Roles() []Role {
	return []Role{RoleWorkload, RoleVCPU, RoleVMM, RoleSentry, RoleStub, RoleVhost, RoleVirtiofsd, RoleGofer, RoleShim, RoleRuntime, RoleKthread, RoleEnded, RoleOther}
}

// Thread is what a collector knows of a thread: a runtime can tell its role by
// that.
type Thread struct {
	Process string // name (comm) of the process that it belongs to, at most 15 bytes
	Command string // last part of that process's first argument; "" where it has none
	Name    string // its own name (comm)
	Kernel  bool   // it never runs in user space
	VCPU    bool   // it has run a virtual CPU
	Ended   bool   // it ended before its names were read: there are none
}

// Context is the one of what the thread does when no interrupt is served.
func (t Thread) Context() Context {
	if t.Kernel {
		return InKthread
	}
	return InProcess
}

// RoleSighting is what a witness saw of the threads of one role, in process context.
type RoleSighting struct {
	Threads   int      `json:"threads"`   // that entered any function
	Processes []string `json:"processes"` // names of the processes that they belong to, sorted
	Functions []Hit    `json:"functions"` // sorted by index
}
