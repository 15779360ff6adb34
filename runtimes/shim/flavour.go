package shim

// binary is Kata's shim.
const binary = "containerd-shim-kata-v2"

// Flavour is what hapscope knows about one variant.
type Flavour struct {
	Variant    string     // in scenarios and reports
	Runtime    string     // the family that the variant belongs to
	Hypervisor Hypervisor // which the shim starts
	InLab      bool       // the lab's component kata has it
	Shims      []string   // paths of shims, or a name to look up in PATH; the first with a fitting configuration is taken
	ConfigDirs []string   // where configurations are, the first wins
	State      []string   // directories that hold one for each sandbox, named by its id
	Remedy     string     // how to get it
}

// Hypervisor is one that Kata can use.
type Hypervisor struct {
	Name      string   // in messages
	Tables    []string // its tables below [hypervisor] in a configuration: the Go shim's, older ones of the Rust shim
	Files     []string // names of configurations that ship for it and the Go shim
	RustFiles []string // and for the Rust shim
	VHost     bool     // it takes its socket and its network from the kernel's vhost
	Shares    bool     // it can show a directory of the host to the guest
}

// Flavours returns all variants that this package starts. The places are those of
// Kata's documentation and makefiles (kata-containers 4.1.0: docs/installation.md,
// src/runtime/README.md, src/libs/kata-types/src/config/default.rs).
func Flavours() []Flavour {
	all := []Flavour{
		{
			Variant: "kata-qemu", InLab: true,
			Hypervisor: Hypervisor{
				Name: "QEMU", Tables: []string{"qemu"}, VHost: true, Shares: true,
				Files:     []string{"configuration-qemu.toml"},
				RustFiles: []string{"configuration-qemu-runtime-rs.toml"},
			},
			Remedy: "let the lab run it (`hapscope lab build --kata`), or install Kata Containers",
		},
		{
			Variant: "kata-clh",
			Hypervisor: Hypervisor{
				Name: "Cloud Hypervisor", Tables: []string{"clh", "cloud-hypervisor"}, Shares: true,
				Files:     []string{"configuration-clh.toml"},
				RustFiles: []string{"configuration-clh-runtime-rs.toml", "configuration-cloud-hypervisor.toml"},
			},
		},
		{
			Variant: "kata-fc",
			Hypervisor: Hypervisor{
				Name: "Firecracker", Tables: []string{"firecracker"},
				Files:     []string{"configuration-fc.toml"},
				RustFiles: []string{"configuration-rs-fc.toml"},
			},
		},
	}
	for i := range all {
		f := &all[i]
		f.Runtime = "kata"
		f.Shims = []string{
			"/lab/kata/bin/" + binary, "/opt/kata/bin/" + binary, "/usr/local/bin/" + binary, "/usr/bin/" + binary,
			binary, "/opt/kata/runtime-rs/bin/" + binary,
		}
		f.ConfigDirs = []string{
			"/lab/kata", "/etc/kata-containers", "/opt/kata/share/defaults/kata-containers", "/usr/share/defaults/kata-containers",
		}
		f.State = []string{"/run/vc/sbs", "/run/vc/vm", "/run/vc/firecracker", "/run/kata-containers/shared/sandboxes", "/run/kata"}
		if f.Remedy == "" {
			f.Remedy = "install Kata Containers with " + f.Hypervisor.Name + " on this machine and run there (--where host); the lab cannot have it: it is neither a Debian package nor a Go module"
		}
	}
	return all
}
