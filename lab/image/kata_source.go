package image

// What is filled in and changed in the source of Kata's shim.

// kataTemplates are files of the runtime's module that its Makefile would fill in.
var kataTemplates = map[string]string{
	"pkg/katautils/config-settings.go.in":   "pkg/katautils/config-settings.go",
	"cli/config-generated.go.in":            "cli/containerd-shim-kata-v2/config-generated.go",
	"cli/config/configuration-qemu.toml.in": "configuration.toml",
}

// kataValues are what is filled in. The shim reads its configuration at SYSCONFIG
// and nowhere else.
var kataValues = map[string]string{
	"SYSCONFIG": kataConfig, "CONFIG_PATH": kataConfig,
	"RUNTIME_NAME": "kata-runtime", "PROJECT_NAME": "Kata Containers", "PROJECT_TYPE": "kata",
	"PROJECT_URL": "https://github.com/kata-containers", "PROJECT_ORG": "kata-containers",
	"PKGRUNDIR": "/var/run/kata-containers", "CONFIG_QEMU_IN": "cli/config/configuration-qemu.toml.in",

	"QEMUPATH": kataQEMU, "QEMUVALIDHYPERVISORPATHS": `["` + kataQEMU + `"]`, "KERNELPATH": kataKernel, "INITRDPATH": kataInitrd,
	"MACHINETYPE": "q35", "FIRMWAREPATH": "", "MACHINEACCELERATORS": "", "CPUFEATURES": "",
	// The guest is as slow as the lab. Its agent would want cgroup v1, which Debian 13's
	// kernel does not have.
	"KERNELPARAMS": "mitigations=off agent.unified_cgroup_hierarchy=1",
	"DEFVCPUS":     "1", "DEFMAXVCPUS": "1", "DEFBRIDGES": "1", "DEFMEMSZ": "384", "DEFMEMSLOTS": "10",
	"DEFENABLEANNOTATIONS": `[".*"]`, "DEFDISABLEBLOCK": "true", "DEFBLOCKSTORAGEDRIVER_QEMU": "virtio-scsi", "DEFENABLEIOTHREADS": "false",
	// As Kata's own default is since 2.0; 3 has no 9p any more.
	"DEFSHAREDFS": "virtio-fs", "DEFMSIZE9P": "8192", "DEFVIRTIOFSDAEMON": kataFiles, "DEFVALIDVIRTIOFSDAEMONPATHS": `["` + kataFiles + `"]`,
	"DEFVIRTIOFSCACHESIZE": "0", "DEFVIRTIOFSEXTRAARGS": "[]", "DEFVIRTIOFSCACHE": "auto",
	"DEFENABLEVHOSTUSERSTORE": "false", "DEFVHOSTUSERSTOREPATH": "/var/run/kata-containers/vhost-user",
	"DEFVALIDVHOSTUSERSTOREPATHS": "[]", "DEFFILEMEMBACKEND": "", "DEFVALIDFILEMEMBACKENDS": `[""]`, "DEFENTROPYSOURCE": "/dev/urandom",
	"PROXYPATH": "", "SHIMPATH": "", "NETMONPATH": "", "DEFNETWORKMODEL_QEMU": "tcfilter",
	"DEFDISABLEGUESTSECCOMP": "true", "DEFAULTEXPFEATURES": "[]",
	// Only so does the shim get along with cgroup v2, and only so is all that works
	// for the sandbox in one cgroup.
	"DEFSANDBOXCGROUPONLY": "true",
}

// edit replaces a text of a module that must stand in a file once.
type edit struct{ file, before, after string }

var kataEdits = []edit{
	// The client of Cloud Hypervisor is a module of its own that is not to be had.
	{"runtime/virtcontainers/hypervisor.go", "\tcase ClhHypervisor:\n\t\treturn &cloudHypervisor{\n\t\t\tstore: store,\n\t\t}, nil\n", ""},
	// How long the shim waits for the agent after QEMU has started.
	{"agent/protocols/client/client.go", "var defaultDialTimeout = 15 * time.Second", "var defaultDialTimeout = 300 * time.Second"},
	// How long it waits for an answer of the agent's, first to the question whether it is
	// there, which it asks every second from the start on, then to any other; for QEMU's;
	// and for virtiofsd's. Where one is late it ends the virtual machine: "failed to ping
	// agent" was seen in the boot of Node.js, whose guest got nowhere for 30 seconds while
	// all that the machine made the emulated host do was traced.
	{"runtime/virtcontainers/kata_agent.go", "checkRequestTimeout         = 30 * time.Second", "checkRequestTimeout         = 300 * time.Second"},
	{"runtime/virtcontainers/kata_agent.go", "defaultRequestTimeout       = 60 * time.Second", "defaultRequestTimeout       = 300 * time.Second"},
	{"runtime/virtcontainers/sandbox.go", "vmStartTimeout = 10\n", "vmStartTimeout = 300\n"},
	{"runtime/virtcontainers/virtiofsd.go", "virtiofsdStartTimeout = 5\n", "virtiofsdStartTimeout = 300\n"},
	// QEMU refuses an option without a value since 6.1.
	{"runtime/virtcontainers/qemu_amd64.go", `"accel=kvm,kernel_irqchip"`, `"accel=kvm,kernel_irqchip=on"`},
	// Without a syslog daemon the shim would not start.
	{"runtime/containerd-shim-v2/service.go", `LoadConfiguration("", false, true)`, `LoadConfiguration("", true, true)`},
	{"runtime/containerd-shim-v2/create.go", `LoadConfiguration(configPath, false, true)`, `LoadConfiguration(configPath, true, true)`},
	// virtiofsd was written in C when the shim was: the one in Rust has a name of its own
	// for the directory, no POSIX locks to leave out, and wants a syslog daemon as well.
	{"runtime/virtcontainers/virtiofsd.go", "\t\t// Send logs to syslog\n\t\t\"--syslog\",\n\t\t// foreground operation\n\t\t\"-f\",\n", ""},
	{"runtime/virtcontainers/virtiofsd.go", `"-o", "cache=" + v.cache,`, `"--cache=" + v.cache,`},
	{"runtime/virtcontainers/virtiofsd.go", "\t\t\"-o\", \"no_posix_lock\",\n", ""},
	{"runtime/virtcontainers/virtiofsd.go", `"-o", "source=" + v.sourcePath,`, `"--shared-dir=" + v.sourcePath,`},
	// The configuration: what the template has no value for.
	{"configuration.toml", "#use_vsock = true\n", "use_vsock = true\n"},
	{"configuration.toml", "#disable_nesting_checks = true\n", "disable_nesting_checks = true\n"},
	{"configuration.toml", "image = \"@IMAGEPATH@\"\n", ""},
}
