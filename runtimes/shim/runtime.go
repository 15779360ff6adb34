package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"hapscope/internal/kernel/kvmguest"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/file"
	"hapscope/runtimes/netns"
)

// namespace keeps sandboxes of ours apart from those of a containerd.
const namespace = "hapscope"

// Flavour is what hapscope knows about one variant.
type Flavour struct {
	Variant string   // in scenarios and reports
	Runtime string   // the family that the variant belongs to
	Binary  string   // the shim, looked up in PATH
	Devices []string // that it needs
	Configs []string // files of which the shim reads the first that is there
	State   []string // directories that hold one for each sandbox, named by its id
	Remedy  string
}

// Flavours returns all variants that this package starts.
func Flavours() []Flavour {
	return []Flavour{{
		Variant: "kata-qemu", Runtime: "kata", Binary: "containerd-shim-kata-v2",
		Devices: []string{kvmguest.Device, "/dev/vhost-vsock", "/dev/vhost-net", "/dev/net/tun"},
		Configs: []string{
			"/lab/kata/configuration.toml", "/etc/kata-containers/configuration.toml",
			"/usr/share/defaults/kata-containers/configuration.toml", "/opt/kata/share/defaults/kata-containers/configuration.toml",
		},
		State:  []string{"/run/vc/sbs", "/run/vc/vm", "/run/kata-containers/shared/sandboxes"},
		Remedy: "let the lab run it (`hapscope lab build --kata`), or install Kata Containers",
	}}
}

// Options says how a variant is run. The zero value is the default.
type Options struct {
	Path     string        // of the shim; default: Flavour.Binary, looked up in PATH
	Deadline time.Duration // of each request; default 5 minutes: a guest boots in one
}

// Runtime starts sandboxes of one flavour.
type Runtime struct {
	flavour Flavour
	options Options
}

var _ runtimes.Runtime = (*Runtime)(nil)

// New returns the runtime of a flavour.
func New(f Flavour, o Options) *Runtime {
	if o.Path == "" {
		o.Path = f.Binary
	}
	if o.Deadline == 0 {
		o.Deadline = 5 * time.Minute
	}
	return &Runtime{f, o}
}

// Variant implements runtimes.Runtime.
func (r *Runtime) Variant() string { return r.flavour.Variant }

// probeDeadline is for a guest of three instructions.
const probeDeadline = 20 * time.Second

// Check implements runtimes.Runtime.
func (r *Runtime) Check(ctx context.Context) record.VariantInfo {
	f := r.flavour
	info := record.VariantInfo{Name: f.Variant, Runtime: f.Runtime, Engine: "shim-v2", Command: []string{r.options.Path, "-namespace", namespace}}
	add := func(name string, err error, found, remedy string) {
		q := record.Requirement{Name: name, Met: err == nil, Detail: found}
		if err != nil {
			q.Detail, q.Remedy = err.Error(), remedy
		}
		info.Requirements = append(info.Requirements, q)
	}
	path, err := exec.LookPath(r.options.Path)
	version := ""
	if err == nil {
		version, err = r.version(ctx, path)
	}
	add(f.Binary+" in PATH", err, path+" "+version, f.Remedy)
	config, err := r.config()
	add("configuration of "+f.Runtime, err, config, f.Remedy)
	for _, d := range f.Devices {
		_, err := os.Stat(d)
		add(d, err, "is there", "modprobe vhost_vsock vhost_net tun kvm_amd or kvm_intel, or let the lab run it")
	}
	if !info.Fit() {
		return info
	}
	ctx, cancel := context.WithTimeout(ctx, probeDeadline)
	defer cancel()
	const tried = "tried, works"
	add("KVM runs a guest", kvmguest.Probe(ctx), tried, "enable (nested) virtualization, or let the lab run it")
	add("overlay file system", bundle.Check(), tried, "modprobe overlay, or let the lab run it")
	add("veth network pairs", netns.Check(), tried, "modprobe veth, or let the lab run it")
	return info
}

// config finds the file that the shim reads.
func (r *Runtime) config() (string, error) {
	for _, name := range r.flavour.Configs {
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("none of %s is there", strings.Join(r.flavour.Configs, ", "))
}

// Tools implements runtimes.Runtime.
func (r *Runtime) Tools(ctx context.Context) ([]record.Tool, error) {
	path, err := exec.LookPath(r.options.Path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", r.flavour.Binary, err)
	}
	version, err := r.version(ctx, path)
	if err != nil {
		return nil, err
	}
	sum, err := file.Digest(path)
	if err != nil {
		return nil, fmt.Errorf("digest %s: %w", path, err)
	}
	return []record.Tool{{Name: r.flavour.Binary, Path: path, Version: version, SHA256: sum}}, nil
}

// version asks the shim: `…: id: "io.containerd.kata.v2", version: 1.13.0, commit: …`.
func (r *Runtime) version(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w: %s", path, err, strings.TrimSpace(string(out)))
	}
	_, after, found := strings.Cut(string(out), "version: ")
	version, _, _ := strings.Cut(after, ",")
	if version = strings.TrimSpace(version); !found || version == "" {
		return "", fmt.Errorf("%s --version: no version in %q", path, out)
	}
	return version, nil
}

// Sweep implements runtimes.Runtime: what is in a cgroup or a network namespace of
// ours the OCI runtimes' sweep finds by the same names.
func (r *Runtime) Sweep(context.Context) (removed []string, err error) {
	lines, err := killShims(r.flavour.Binary)
	removed = append(removed, lines...)
	for _, dir := range r.flavour.State {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), idPrefix) {
				continue
			}
			err = errors.Join(err, removeState(dir+"/"+e.Name()))
			removed = append(removed, "state "+dir+"/"+e.Name())
		}
	}
	return removed, err
}
