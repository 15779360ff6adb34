package wire

// ConfigPath is where the initramfs holds the Config. That the file is there is
// how a process 1 knows that it is the init of a lab.
const ConfigPath = "/hapscope-lab.json"

// ModuleDir is where the initramfs holds the modules needed to reach the disks.
const ModuleDir = "/modules"

// PortName is the name of the virtio-serial port that the agent answers on.
const PortName = "hapscope.agent"

// Where the guest finds things.
const (
	RunDir    = "/run/hapscope" // tmpfs, holds the binary itself
	RootfsDir = "/lab/rootfs"   // the workloads' root file system, read-only
	ToolsDir  = "/lab/tools"    // tools built from source, read-only
	KataDir   = "/lab/kata"     // what a Kata sandbox needs, read-only; where it was asked for
	NablaDir  = "/opt/runnc"    // the place of runnc and tenders, if the host has any and they are wanted
)

// The disks' serial numbers, by which the guest tells them apart.
const (
	DiskUserland  = "userland"
	DiskModules   = "modules"
	DiskWorkloads = "workloads"
	DiskTools     = "tools"
	DiskTracers   = "tracers"
	DiskKata      = "kata"
	DiskDocker    = "docker"
)

// Config tells the guest what the host gave it.
type Config struct {
	Probe   string   `json:"probe,omitempty"` // say this on the console and power off: does a guest boot at all?
	Release string   `json:"release"`         // of the kernel, checked against the running one
	Modules []string `json:"modules"`         // files below ModuleDir, in the order of loading
	Disks   []string `json:"disks"`           // serial numbers
	Shares  []Share  `json:"shares"`
}

// Share is a directory of the host, seen in the guest over 9p.
type Share struct {
	Tag      string `json:"tag"`
	Guest    string `json:"guest"`
	Writable bool   `json:"writable"`
}
