package image

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	kataFiles  = kataDir + "/bin/virtiofsd"
)

// kataBuilder is raised when the code below changes the result.
const kataBuilder = 3

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

// kataContainerd is of Debian's containerd what the engine containerd needs, and the
// shim for runc, with which its tests are quick. What they are linked with, the
// userland has.
var kataContainerd = []string{"usr/bin/containerd", "usr/bin/containerd-shim-runc-v2"}

// kataInit is process 1 of the guest until the agent takes over.
const kataInit = `#!/bin/busybox sh
for m in /lib/modules/*.ko; do /bin/busybox insmod $m; done
exec /bin/kata-agent
`

// kataPackages are those of which Kata takes programs; the libraries that virtiofsd is
// linked with are the userland's.
var kataPackages = []string{"busybox-static", "virtiofsd", "containerd"}

// Programs in these packages.
const (
	usrBusyboxPath = "usr/bin/busybox"
	busyboxPath    = "bin/busybox"
	virtiofsdPath  = "usr/libexec/virtiofsd"
)

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
	sources := []string{string(kataAgentMod), string(kataAgentSum), string(kataShimMod), string(kataShimSum), string(kataCPUSet), kataInit, fmt.Sprint(kataEdits, kataValues, kataPackages)}
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
	if err := debootstrap(ctx, suite, "extract", kataPackages, filepath.Join(work, "debian.tar")); err != nil {
		return err
	}
	debian := filepath.Join(work, "debian")
	taken := func(name string) bool {
		return slices.Contains(append([]string{busyboxPath, usrBusyboxPath, virtiofsdPath}, kataContainerd...), name)
	}
	if err := untar(filepath.Join(work, "debian.tar"), debian, taken); err != nil {
		return err
	}
	busybox, err := either(debian, usrBusyboxPath, busyboxPath)
	if err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(debian, virtiofsdPath), filepath.Join(tree, "bin", filepath.Base(kataFiles))); err != nil {
		return fmt.Errorf("Debian %s has no %s, and Kata in the lab needs it: set lab.suite to trixie: %w", suite, virtiofsdPath, err)
	}
	for _, name := range kataContainerd {
		if err := os.Rename(filepath.Join(debian, name), filepath.Join(tree, "bin", filepath.Base(name))); err != nil {
			return err
		}
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
