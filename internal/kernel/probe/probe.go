package probe

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
	"hapscope/internal/kernel/tracefs"
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

// Root asks for the capabilities that tracing needs. CAP_SYS_ADMIN stands for
// mounting and cgroups, CAP_SYSLOG for addresses in kallsyms, CAP_DAC_OVERRIDE
// for tracefs, which belongs to root.
func Root() record.Requirement {
	const name, remedy = "root privileges", "run as root, or in the lab VM, which needs none here"
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return unmet(name, fmt.Sprintf("capabilities cannot be read: %v", err), remedy)
	}
	var missing []string
	for _, c := range []struct {
		bit  int
		name string
	}{{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, {unix.CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"}, {unix.CAP_SYSLOG, "CAP_SYSLOG"}, {unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}} {
		if data[c.bit/32].Effective&(1<<(c.bit%32)) == 0 {
			missing = append(missing, c.name)
		}
	}
	if len(missing) > 0 {
		return unmet(name, fmt.Sprintf("uid %d lacks %s", os.Geteuid(), strings.Join(missing, ", ")), remedy)
	}
	return met(name, fmt.Sprintf("uid %d has the capabilities", os.Geteuid()))
}

// Tracefs asks for a tracefs that may be read.
func Tracefs() record.Requirement {
	const name = "tracefs"
	t, err := tracefs.Open()
	if err != nil {
		if _, e := os.Stat("/sys/kernel/tracing"); e != nil {
			return unmet(name, "the kernel has none (CONFIG_TRACING)", lab)
		}
		return unmet(name, err.Error(), "mount -t tracefs nodev /sys/kernel/tracing, or "+lab)
	}
	if _, err := t.Tracers(); err != nil {
		return unmet(name, because(err), lab)
	}
	return met(name, "mounted at "+t.Path(""))
}

// Tracer asks for a tracer, and for the list of functions that it can trace.
func Tracer(tracer string) record.Requirement {
	name := "tracer " + tracer
	t, err := tracefs.Open()
	if err != nil {
		return unmet(name, err.Error(), lab)
	}
	tracers, err := t.Tracers()
	if err != nil {
		return unmet(name, because(err), lab)
	}
	if !slices.Contains(tracers, tracer) {
		return unmet(name, "the kernel has only: "+strings.Join(tracers, " "), lab)
	}
	f, err := os.Open(t.Path("available_filter_functions"))
	if err != nil {
		return unmet(name, because(err), lab)
	}
	defer f.Close()
	if _, err := f.Read(make([]byte, 1)); err != nil {
		return unmet(name, because(err), lab)
	}
	return met(name, "available, and its functions may be listed")
}

// Event asks for a trace event whose format may be read.
func Event(event string) record.Requirement {
	name := "trace event " + event
	t, err := tracefs.Open()
	if err != nil {
		return unmet(name, err.Error(), lab)
	}
	if _, err := os.ReadFile(t.Path("events/" + event + "/format")); err != nil {
		return unmet(name, because(err), lab)
	}
	return met(name, "available")
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

// because adds lockdown to a refusal: EPERM from a file that root may open is
// what it looks like.
func because(err error) string {
	if mode := LockdownMode(); mode == "confidentiality" || mode == "integrity" {
		return fmt.Sprintf("%v (the kernel is locked down: %s)", err, mode)
	}
	return err.Error()
}
