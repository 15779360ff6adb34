package image

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hapscope/lab/cpio"
)

// What kata's entry holds.
const kataImage = "kata.ext4"

// Where the image is mounted, and what in it the shim finds by paths that are
// compiled in or stand in its configuration.
const (
	kataDir    = "/lab/kata"
	kataConfig = kataDir + "/configuration.toml"
	kataKernel = kataDir + "/vmlinuz"
	kataInitrd = kataDir + "/initrd.img"
	kataQEMU   = "/usr/bin/qemu-system-x86_64" // the userland's
)

// kataBuilder is raised when the code below changes the result.
const kataBuilder = 1

// Agent and shim are pinned like runsc. They are the last of Kata's 1.x
// repositories (1.13.0-alpha0, of May 2021): from 2.0 on the agent is written in
// Rust and no Go module.
var (
	//go:embed tools/kata-agent.mod
	kataAgentMod []byte
	//go:embed tools/kata-agent.sum
	kataAgentSum []byte
	//go:embed tools/kata-shim.mod
	kataShimMod []byte
	//go:embed tools/kata-shim.sum
	kataShimSum []byte
	// k8s.io/kubernetes, of which the shim uses one file, cannot be a dependency:
	// its go.mod names versions of its parts that do not exist.
	//go:embed tools/cpuset/cpuset.go
	kataCPUSet []byte
)

const (
	kataAgentPackage = "github.com/kata-containers/agent"
	kataRuntime      = "github.com/kata-containers/runtime"
	kataShimPackage  = kataRuntime + "/cli/containerd-shim-kata-v2"
	kataShim         = "containerd-shim-kata-v2"
)

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
	"DEFSHAREDFS": "virtio-9p", "DEFMSIZE9P": "8192", "DEFVIRTIOFSDAEMON": "", "DEFVALIDVIRTIOFSDAEMONPATHS": "[]",
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
	// QEMU refuses an option without a value since 6.1.
	{"runtime/virtcontainers/qemu_amd64.go", `"accel=kvm,kernel_irqchip"`, `"accel=kvm,kernel_irqchip=on"`},
	// Without a syslog daemon the shim would not start.
	{"runtime/containerd-shim-v2/service.go", `LoadConfiguration("", false, true)`, `LoadConfiguration("", true, true)`},
	{"runtime/containerd-shim-v2/create.go", `LoadConfiguration(configPath, false, true)`, `LoadConfiguration(configPath, true, true)`},
	// The configuration: what the template has no value for.
	{"configuration.toml", "#use_vsock = true\n", "use_vsock = true\n"},
	{"configuration.toml", "#disable_nesting_checks = true\n", "disable_nesting_checks = true\n"},
	{"configuration.toml", "image = \"@IMAGEPATH@\"\n", ""},
}

// kataInit is process 1 of the guest until the agent takes over.
const kataInit = `#!/bin/busybox sh
for m in /lib/modules/*.ko; do /bin/busybox insmod $m; done
exec /bin/kata-agent
`

type kataInputs struct {
	Builder   int
	Toolchain string
	Suite     string
	Kernel    string // key of the kernel, which the guest runs as well
	Sources   []string
}

func kata(o Options, kernel component, ensure func(context.Context, component) (dir string, err error), toolchain string) (component, error) {
	key, err := kernel.key()
	if err != nil {
		return component{}, err
	}
	sources := []string{string(kataAgentMod), string(kataAgentSum), string(kataShimMod), string(kataShimSum), string(kataCPUSet), kataInit, fmt.Sprint(kataEdits, kataValues)}
	return component{
		name:   Kata,
		inputs: kataInputs{kataBuilder, toolchain, o.Suite, key, sources},
		about:  "Kata's shim and agent from source, about 2 min on two cores, more when modules have to be fetched",
		build: func(ctx context.Context, dir string) error {
			kernelDir, err := ensure(ctx, kernel)
			if err != nil {
				return err
			}
			return buildKata(ctx, dir, o.Suite, kernelDir, toolchain)
		},
	}, nil
}

func buildKata(ctx context.Context, dir, suite, kernelDir, toolchain string) error {
	if _, err := need("gcc", "apt-get install gcc libc6-dev"); err != nil {
		return err
	}
	work, tree := filepath.Join(dir, "work"), filepath.Join(dir, "tree")
	for _, d := range []string{work, filepath.Join(tree, "bin")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	agent := filepath.Join(work, "kata-agent")
	if err := buildKataAgent(ctx, filepath.Join(work, "agent"), agent, toolchain); err != nil {
		return err
	}
	if err := buildKataShim(ctx, filepath.Join(work, "shim"), tree, toolchain); err != nil {
		return err
	}
	if err := debootstrap(ctx, suite, "extract", []string{"busybox-static"}, filepath.Join(work, "busybox.tar")); err != nil {
		return err
	}
	isBusybox := func(name string) bool { return name == "usr/bin/busybox" || name == "bin/busybox" }
	if err := untar(filepath.Join(work, "busybox.tar"), filepath.Join(work, "busybox"), isBusybox); err != nil {
		return err
	}
	busybox, err := either(filepath.Join(work, "busybox"), "usr/bin/busybox", "bin/busybox")
	if err != nil {
		return err
	}
	if err := writeKataInitrd(filepath.Join(tree, filepath.Base(kataInitrd)), agent, busybox, kernelDir); err != nil {
		return err
	}
	if err := os.Link(filepath.Join(kernelDir, kernelImage), filepath.Join(tree, filepath.Base(kataKernel))); err != nil {
		return err
	}
	if err := ext4FromTree(tree, filepath.Join(dir, kataImage)); err != nil {
		return err
	}
	for _, d := range []string{work, tree} {
		if err := removeAll(d); err != nil {
			return err
		}
	}
	return nil
}

// buildKataAgent: libcontainer enters namespaces in a C constructor, hence cgo and
// the system's linker; the guest has no C library.
func buildKataAgent(ctx context.Context, module, out, toolchain string) error {
	g := goModule{dir: module, toolchain: toolchain, cgo: true}
	if err := g.create(kataAgentMod, kataAgentSum); err != nil {
		return err
	}
	return g.build(ctx, out, kataAgentPackage, "-tags", "netgo osusergo", "-ldflags", "-s -w -linkmode external -extldflags -static")
}

// directory matches replacements by a directory.
var directory = regexp.MustCompile(`(?m)^\s+\S+ => \./(agent|runtime)\n`)

// buildKataShim builds it from copies of two modules, because files are missing in
// one and some lines have to change.
func buildKataShim(ctx context.Context, module, tree, toolchain string) error {
	g := goModule{dir: module, toolchain: toolchain}
	if err := g.create(kataShimMod, kataShimSum); err != nil {
		return err
	}
	// Without the replacements the go command fetches the modules, by their sums.
	for name, content := range map[string][]byte{"proxy.mod": directory.ReplaceAll(kataShimMod, nil), "proxy.sum": kataShimSum} {
		if err := os.WriteFile(filepath.Join(module, name), content, 0o644); err != nil {
			return err
		}
	}
	cpuset := filepath.Join(module, "kubernetes/pkg/kubelet/cm/cpuset")
	if err := os.MkdirAll(cpuset, 0o755); err != nil {
		return err
	}
	for name, content := range map[string]string{
		filepath.Join(cpuset, "cpuset.go"):            string(kataCPUSet),
		filepath.Join(module, "kubernetes", "go.mod"): "module k8s.io/kubernetes\n\ngo 1.18\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			return err
		}
	}
	for name, path := range map[string]string{"agent": kataAgentPackage, "runtime": kataRuntime} {
		if err := g.run(ctx, "mod", "download", "-modfile=proxy.mod", path); err != nil {
			return err
		}
		from, err := g.output(ctx, "list", "-modfile=proxy.mod", "-m", "-f", "{{.Dir}}", path)
		if err != nil {
			return err
		}
		to := filepath.Join(module, name)
		if err := os.CopyFS(to, os.DirFS(strings.TrimSpace(from))); err != nil {
			return err
		}
		// The module is from before go.mod: it means the Go of its time.
		if err := os.WriteFile(filepath.Join(to, "go.mod"), []byte("module "+path+"\n\ngo 1.14\n"), 0o644); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(module, "runtime/virtcontainers/clh.go")); err != nil {
		return err
	}
	if err := fillKata(module); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(module, "configuration.toml"), filepath.Join(tree, filepath.Base(kataConfig))); err != nil {
		return err
	}
	return g.build(ctx, filepath.Join(tree, "bin", kataShim), kataShimPackage, "-ldflags", "-s -w")
}

// fillKata writes the generated files and makes the edits.
func fillKata(module string) error {
	version, err := os.ReadFile(filepath.Join(module, "runtime", "VERSION"))
	if err != nil {
		return err
	}
	values := []string{"@VERSION@", strings.TrimSpace(string(version)), "@COMMIT@", "", "@IMAGEPATH@", "@IMAGEPATH@"}
	for name, value := range kataValues {
		values = append(values, "@"+name+"@", value)
	}
	fill := strings.NewReplacer(values...)
	for from, to := range kataTemplates {
		b, err := os.ReadFile(filepath.Join(module, "runtime", from))
		if err != nil {
			return err
		}
		to = filepath.Join("runtime", to)
		if filepath.Ext(to) == ".toml" {
			to = filepath.Base(to)
		}
		if err := os.WriteFile(filepath.Join(module, to), []byte(fill.Replace(string(b))), 0o644); err != nil {
			return err
		}
	}
	for _, e := range kataEdits {
		name := filepath.Join(module, e.file)
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if n := strings.Count(string(b), e.before); n != 1 {
			return fmt.Errorf("%s has %q %d times, want it once", e.file, e.before, n)
		}
		if err := os.WriteFile(name, []byte(strings.Replace(string(b), e.before, e.after, 1)), 0o644); err != nil {
			return err
		}
	}
	config, err := os.ReadFile(filepath.Join(module, "configuration.toml"))
	if err != nil {
		return err
	}
	if left := placeholder.FindString(string(config)); left != "" {
		return fmt.Errorf("configuration.toml: no value for %s", left)
	}
	return nil
}

// placeholder is a place in a template.
var placeholder = regexp.MustCompile(`@[A-Z_0-9]+@`)

// writeKataInitrd writes what the guest starts from: a shell that loads modules,
// and the agent.
func writeKataInitrd(name, agent, busybox, kernelDir string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	a := cpio.New(f)
	for _, d := range []string{"bin", "dev", "etc", "lib", "lib/modules", "proc", "run", "sys", "tmp"} {
		a.Dir(d)
	}
	a.Device("dev/console", 5, 1)
	a.File("init", cpio.ModeExec, int64(len(kataInit)), strings.NewReader(kataInit))
	for name, source := range map[string]string{"bin/busybox": busybox, "bin/kata-agent": agent} {
		if err := a.Add(name, cpio.ModeExec, source); err != nil {
			return err
		}
	}
	modules, err := filepath.Glob(filepath.Join(kernelDir, guestModulesDir, "*.ko"))
	if err != nil {
		return err
	}
	for _, m := range modules {
		if err := a.Add("lib/modules/"+filepath.Base(m), cpio.ModeFile, m); err != nil {
			return err
		}
	}
	if err := a.Close(); err != nil {
		return fmt.Errorf("write the guest's initrd: %w", err)
	}
	return f.Close()
}
