package nabla

import (
	"hapscope/record"
	"hapscope/runtimes/netns"
	"hapscope/runtimes/unikernel"
)

// Flavour is what hapscope knows about one tender.
type Flavour struct {
	Variant string // in scenarios and reports
	Runtime string // the family that the variant belongs to
	Binary  string // program, looked up in PATH
	Path    string // where it is if it is not in PATH; "" where there is no such place
	Remedy  string // how to get the program
	// Greeting is a flag with which the tender says something and ends, and the words
	// that it then says: one that cannot be linked or is something else does not.
	Greeting, Answer string
	KVM              bool // guests must run under /dev/kvm
	Kind             unikernel.Kind
	Role             record.Role // of its threads that run no virtual CPU
}

// NablaRun is where runnc has its tender; the path is in its code
// (llruntimes/nabla/exec_handler.go).
const NablaRun = "/opt/runnc/bin/nabla-run"

// Flavours returns all variants that this package starts. Memory is what the tenders
// take by default, 512 MB.
func Flavours() []Flavour {
	const (
		solo5   = "build it as github.com/Solo5/solo5 says in docs/building.md, and put it in PATH or in /opt/runnc/bin"
		kernels = "github.com/Solo5/solo5, docs/building.md; MirageOS builds applications"
	)
	return []Flavour{
		{
			Variant: "nabla-raw", Runtime: "nabla", Binary: "nabla-run", Path: NablaRun,
			Remedy:   "build it as github.com/nabla-containers/runnc says, which installs it as " + NablaRun,
			Greeting: "--help", Answer: "--x-exec-heap",
			Kind: unikernel.Kind{Rumprun: true, Documented: "github.com/nabla-containers/rumprun, doc, and rumprun-packages beside it"},
			Role: record.RoleWorkload,
		},
		{
			Variant: "solo5-spt", Runtime: "solo5", Binary: "solo5-spt", Path: "/opt/runnc/bin/solo5-spt", Remedy: solo5,
			Greeting: "--version", Answer: "tender, version",
			Kind: unikernel.Kind{Target: unikernel.SPT, Documented: kernels}, Role: record.RoleWorkload,
		},
		{
			Variant: "solo5-hvt", Runtime: "solo5", Binary: "solo5-hvt", Path: "/opt/runnc/bin/solo5-hvt", Remedy: solo5,
			Greeting: "--version", Answer: "tender, version", KVM: true,
			Kind: unikernel.Kind{Target: unikernel.HVT, Documented: kernels}, Role: record.RoleVMM,
		},
	}
}

// arguments are those of the tender. Which devices a unikernel of today's Solo5 must be
// given is read from it; nabla-run has one of each.
func (f Flavour) arguments(u record.Unikernel, image *unikernel.Image, disk string, n *netns.Namespace) (args []string) {
	attach := func(flag, file string, names []string) {
		switch {
		case file == "":
		case f.Kind.Target == unikernel.Unnoted:
			args = append(args, "--"+flag+"="+file)
		default:
			args = append(args, "--"+flag+":"+names[0]+"="+file)
		}
	}
	if f.Kind.Target == unikernel.Unnoted {
		args = append(args, "--x-exec-heap") // as runnc starts it
		attach("disk", disk, nil)
	} else {
		attach("block", disk, image.Blocks)
	}
	attach("net", netns.Tap, image.Nets)
	return append(append(args, "--", u.Image), unikernel.Fill(u.Args, n)...)
}
