package oci

import "hapscope/record"

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
	// Probe, if there is one, is a command of the program (after GlobalArgs)
	// that succeeds where the variant works. It is for what cannot be known
	// without trying, and must leave nothing behind.
	Probe []string
}

// Flavours returns all variants that this package starts. Settings that are
// not named here are the runtime's defaults, because those are what people run.
func Flavours() []Flavour {
	const runsc = "build it with `hapscope lab build`, or install it from gvisor.dev"
	// crun keeps compiled seccomp profiles, runsc an empty network namespace for
	// its gofers.
	caches := []string{"null-netns"}
	// gVisor's own smallest sandbox. With KVM it fails on hosts where other
	// guests run: its guest kernel also takes interrupts and leaves for user mode.
	do := []string{"--network=none", "--ignore-cgroups", "do", "true"}
	command := func(name string) map[string]record.Role { return map[string]record.Role{name: record.RoleRuntime} }
	// The names that runsc gives to what it starts of itself (runsc/sandbox,
	// runsc/container); its short-lived helpers have none. Stubs have no arguments.
	sentry := map[string]record.Role{"runsc": record.RoleRuntime, "exe": record.RoleRuntime, "runsc-sandbox": record.RoleSentry, "runsc-gofer": record.RoleGofer}
	return []Flavour{
		{Variant: "runc", Runtime: "runc", Binary: "runc", Remedy: "apt-get install runc", Roles: command("runc"), Program: record.RoleWorkload},
		{Variant: "crun", Runtime: "crun", Binary: "crun", Remedy: "apt-get install crun", Caches: []string{".cache"}, Roles: command("crun"), Program: record.RoleWorkload},
		{Variant: "gvisor-systrap", Runtime: "gvisor", Binary: "runsc", Remedy: runsc, Caches: caches, Roles: sentry, Program: record.RoleStub, GlobalArgs: []string{"--platform=systrap"}},
		{Variant: "gvisor-ptrace", Runtime: "gvisor", Binary: "runsc", Remedy: runsc, Caches: caches, Roles: sentry, Program: record.RoleStub, GlobalArgs: []string{"--platform=ptrace"}},
		{Variant: "gvisor-kvm", Runtime: "gvisor", Binary: "runsc", Remedy: runsc, Caches: caches, Roles: sentry, Program: record.RoleOther, GlobalArgs: []string{"--platform=kvm"}, KVM: true, Probe: do},
	}
}
