package oci

// Flavour is what hapscope knows about one variant of an OCI runtime.
type Flavour struct {
	Variant    string   // in scenarios and reports
	Runtime    string   // the family that the variant belongs to
	Binary     string   // program, looked up in PATH
	GlobalArgs []string // before the subcommand
	Remedy     string   // how to get the program
	KVM        bool     // guests must run under /dev/kvm
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
	return []Flavour{
		{Variant: "runc", Runtime: "runc", Binary: "runc", Remedy: "apt-get install runc"},
		{Variant: "crun", Runtime: "crun", Binary: "crun", Remedy: "apt-get install crun", Caches: []string{".cache"}},
		{Variant: "gvisor-systrap", Runtime: "gvisor", Binary: "runsc", Remedy: runsc, Caches: caches, GlobalArgs: []string{"--platform=systrap"}},
		{Variant: "gvisor-ptrace", Runtime: "gvisor", Binary: "runsc", Remedy: runsc, Caches: caches, GlobalArgs: []string{"--platform=ptrace"}},
		{Variant: "gvisor-kvm", Runtime: "gvisor", Binary: "runsc", Remedy: runsc, Caches: caches, GlobalArgs: []string{"--platform=kvm"}, KVM: true, Probe: do},
	}
}
