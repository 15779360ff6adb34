package oci

import (
	"hapscope/record"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/unikernel"
)

// Flavour is what hapscope knows about one variant of an OCI runtime.
type Flavour struct {
	Variant    string   // in scenarios and reports
	Runtime    string   // the family that the variant belongs to
	Binary     string   // program, looked up in PATH
	GlobalArgs []string // before the subcommand
	Remedy     string   // how to get the program
	KVM        bool     // guests must run under /dev/kvm
	// Roles are those of processes by the last part of their first argument; Program is
	// the role of all others.
	Roles   map[string]record.Role
	Program record.Role
	// Caches are what the program keeps in its state directory from one sandbox
	// to the next. They are removed with the last sandbox, so that every
	// repetition starts from the same state: that of a machine just booted.
	Caches []string
	// Controllers are those that the program wants of a cgroup that it makes itself.
	Controllers []string
	// Probe, if there is one, is a command of the program (after GlobalArgs)
	// that succeeds where the variant works. It is for what cannot be known
	// without trying, and must leave nothing behind.
	Probe []string
	// Capabilities are those without which the program makes no sandbox, though root runs
	// it: found by taking away one at a time (docs/host-mode.md).
	Capabilities []string
	// Programs and Devices are what the program needs besides itself.
	Programs []Need
	Devices  []string

	// What follows is for runnc, see Flavours.

	// Unikernel says what it boots in the place of workloads' processes; nil where it
	// runs those.
	Unikernel *unikernel.Kind
	// NoVersion is for a program that does not tell its version.
	NoVersion bool
	// HashedID is for a program that makes a link's name of the first 12 characters of an
	// id and panics where there are less: it is given netns.LinkName's. The link has Link
	// before that, and stays here when the program is killed.
	HashedID bool
	Link     string
	// NoCgroup is for a program that ignores the bundle's cgroup.
	NoCgroup bool
	// StartWaits is for a program whose start never ends if the process has.
	StartWaits bool
	// Gateway is for a program that wants a default route in the network namespace.
	Gateway bool
}

// Need is a program that another one needs.
type Need struct{ Path, Remedy string }

// Flavours returns all variants that this package starts. Settings that are
// not named here are the runtime's defaults, because those are what people run.
//
// nabla-container is runnc (seen with ba0f412, the last commit), which is unlike the
// others:
//
//   - It has create, start, state, kill and delete, and no other command. Its --version
//     says nothing; the version is that of the Go module.
//   - It starts /opt/runnc/bin/nabla-run, a path in its code, and while it creates
//     genisoimage, which it looks up in PATH. It needs /dev/net/tun.
//   - The first argument must end in .nabla. It is the unikernel, looked for below the
//     root file system, whose path must be absolute (it is, if that of the bundle is).
//     Arguments are joined with spaces and taken apart again by rumprun.
//   - It packs the root file system into an ISO, and gives that to the unikernel as its
//     disk. So the root holds the unikernel and what is named as its disk, and not the
//     image of the other variants. Their processes' files and environment are not for it.
//   - Memory has a floor of 512 MB, which is also what it gets here.
//   - Ids make the names of two taps, one here that is never used, and one in the network
//     namespace. There it takes the address away from eth0, joins both by a bridge, and
//     wants a default route, of which it takes the gateway: a namespace serves once.
//   - The cgroup is ignored. The process is put into it after create and before start:
//     until then it waits, and what it was made by has ended.
//   - start opens a fifo and never comes back if the process has died: so its end is
//     watched, and ends start.
//   - After kill, state says running and delete fails until somebody has waited for the
//     process.
//   - The tender runs as root of the host with nearly all capabilities and without
//     chroot; seccomp (mode 2) and no_new_privs are its own. The bundle's seccomp
//     profile, capabilities, mounts and all namespaces but the network's are ignored.
//
// Through Docker (--runtime runnc) it needs a network hook that Docker has no more since
// version 28: there it waits for ever. hapscope starts it by itself.
func Flavours() []Flavour {
	const runnc = "build it as github.com/nabla-containers/runnc says in its README; to have it in the lab, put it into /opt/runnc/bin"
	const runsc = "build it with `hapscope lab build`, or install it from gvisor.dev"
	// crun keeps compiled seccomp profiles, runsc an empty network namespace for
	// its gofers.
	caches := []string{"null-netns"}
	// gVisor's own smallest sandbox. With KVM it fails on hosts where other
	// guests run: its guest kernel also takes interrupts and leaves for user mode.
	do := []string{"--network=none", "--ignore-cgroups", "do", "true"}
	// runsc/cgroup/cgroup_v2.go, the controllers that are not optional.
	controllers := []string{"cpu", "cpuset", "io", "memory"}
	command := func(name string) map[string]record.Role { return map[string]record.Role{name: record.RoleRuntime} }
	// The names that runsc gives to what it starts of itself (runsc/sandbox,
	// runsc/container); its short-lived helpers have none. Stubs have no arguments.
	sentry := map[string]record.Role{"runsc": record.RoleRuntime, "exe": record.RoleRuntime, "runsc-sandbox": record.RoleSentry, "runsc-gofer": record.RoleGofer}
	container := append([]string{"CAP_SYS_ADMIN", "CAP_NET_ADMIN"}, bundle.Capabilities()...)
	sandbox := []string{"CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SETUID", "CAP_SETGID", "CAP_SETFCAP", "CAP_SYS_CHROOT"}
	return []Flavour{
		{Variant: "runc", Runtime: "runc", Binary: "runc", Remedy: "apt-get install runc", Capabilities: container, Roles: command("runc"), Program: record.RoleWorkload},
		{Variant: "crun", Runtime: "crun", Binary: "crun", Remedy: "apt-get install crun", Capabilities: container, Caches: []string{".cache"}, Roles: command("crun"), Program: record.RoleWorkload},
		{Variant: "gvisor-systrap", Runtime: "gvisor", Binary: "runsc", Remedy: runsc, Capabilities: sandbox, Caches: caches, Controllers: controllers, Roles: sentry, Program: record.RoleStub, GlobalArgs: []string{"--platform=systrap"}},
		{Variant: "gvisor-ptrace", Runtime: "gvisor", Binary: "runsc", Remedy: runsc, Capabilities: sandbox, Caches: caches, Controllers: controllers, Roles: sentry, Program: record.RoleStub, GlobalArgs: []string{"--platform=ptrace"}},
		{Variant: "gvisor-kvm", Runtime: "gvisor", Binary: "runsc", Remedy: runsc, Capabilities: sandbox, Caches: caches, Controllers: controllers, Roles: sentry, Program: record.RoleOther, GlobalArgs: []string{"--platform=kvm"}, KVM: true, Probe: do},
		{
			Variant: "nabla-container", Runtime: "nabla", Binary: "runnc", Remedy: runnc,
			// Its own second stage is /proc/self/exe.
			Roles:    map[string]record.Role{"runnc": record.RoleRuntime, "exe": record.RoleRuntime, "genisoimage": record.RoleRuntime},
			Program:  record.RoleWorkload,
			Programs: []Need{{"/opt/runnc/bin/nabla-run", runnc}, {"genisoimage", "apt-get install genisoimage"}},
			Devices:  []string{"/dev/net/tun"},
			Unikernel: &unikernel.Kind{
				Container: true, Suffix: ".nabla", Documented: "github.com/nabla-containers/rumprun, doc, and rumprun-packages beside it",
			},
			NoVersion: true, HashedID: true, Link: "tap", NoCgroup: true, StartWaits: true, Gateway: true,
		},
	}
}
