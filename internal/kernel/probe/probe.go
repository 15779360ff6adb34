package probe

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/capability"
	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
)

// lab is the remedy wherever the kernel itself is in the way.
const lab = "measure in the lab VM, whose kernel allows it"

// All lists every probe of this package, for an overview.
func All() []record.Requirement {
	return []record.Requirement{
		Root(), Lockdown(), Tracefs(), Tracer("function"), Event("raw_syscalls/sys_enter"), Symbols(), Cgroup2(), BTF(), Fentry(), KprobeMulti(),
	}
}

// met and unmet make requirements; what was found is a sentence without a stop.
func met(name, detail string) record.Requirement {
	return record.Requirement{Name: name, Met: true, Detail: detail}
}

func unmet(name, detail, remedy string) record.Requirement {
	return record.Requirement{Name: name, Detail: detail, Remedy: remedy}
}

// Capabilities are those that counting needs of root, whatever starts the sandboxes; the
// runtimes name their own. docs/host-mode.md says how that was found. CAP_SYS_ADMIN stands
// for mounting, cgroups and BPF, CAP_SYSLOG for addresses in kallsyms, CAP_DAC_OVERRIDE for
// tracefs, which belongs to root, CAP_NET_ADMIN for the veth pairs of sandboxes,
// CAP_SYS_CHROOT for the load generators, which run in the workloads' root file system.
func Capabilities() []string {
	return []string{"CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_SYSLOG", "CAP_NET_ADMIN", "CAP_SYS_CHROOT"}
}

// Root asks for the capabilities that counting needs, of whatever user.
func Root() record.Requirement {
	return rights("root privileges", Capabilities(), ", or measure in the lab VM, which needs none here")
}

// Superuser asks for root, with the capabilities that something cannot do without.
// Otherwise ends the remedy with what can be done instead.
func Superuser(needed []string, otherwise string) record.Requirement {
	const name = "root"
	if uid := os.Geteuid(); uid != 0 {
		return unmet(name, fmt.Sprintf("effective user id %d", uid), "run as root"+otherwise)
	}
	return rights(name, needed, otherwise)
}

func rights(name string, needed []string, otherwise string) record.Requirement {
	uid := os.Geteuid()
	remedy := "run as root" + otherwise
	if uid == 0 {
		remedy = "give root these capabilities (docker run --cap-add, CapabilityBoundingSet= of a systemd unit)" + otherwise
	}
	missing, err := capability.Missing(needed...)
	switch {
	case err != nil:
		return unmet(name, err.Error(), remedy)
	case len(missing) > 0:
		return unmet(name, fmt.Sprintf("uid %d lacks %s", uid, strings.Join(missing, ", ")), remedy)
	case len(needed) == 0:
		return met(name, fmt.Sprintf("effective user id %d", uid))
	}
	return met(name, fmt.Sprintf("uid %d has what is needed: %s", uid, strings.Join(needed, ", ")))
}

// Cgroup2 asks for a unified hierarchy in which cgroups may be made.
func Cgroup2() record.Requirement {
	const name, remedy = "cgroup v2", "mount -t cgroup2 none /sys/fs/cgroup, boot with systemd.unified_cgroup_hierarchy=1, or measure in the lab VM"
	root, err := cgroup.Root()
	if err != nil {
		return unmet(name, err.Error(), remedy)
	}
	if err := unix.Access(root, unix.W_OK); err != nil {
		return unmet(name, fmt.Sprintf("%s may not be written: %v", root, err), "run as root")
	}
	return met(name, "mounted at "+root)
}
