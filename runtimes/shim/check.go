package shim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"hapscope/internal/kernel/kvmguest"
	"hapscope/record"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/file"
	"hapscope/runtimes/netns"
)

const (
	vhostVsock = "/dev/vhost-vsock"
	vhostNet   = "/dev/vhost-net"
	tun        = "/dev/net/tun"
	// probeDeadline is for a guest of three instructions.
	probeDeadline = 20 * time.Second
	// inLab is the way out where the machine itself is the problem.
	inLab = "or let the lab run it"
)

// modules are those that make the devices.
var modules = map[string]string{kvmguest.Device: "kvm_amd or kvm_intel", vhostVsock: "vhost_vsock", vhostNet: "vhost_net", tun: "tun"}

// Check implements runtimes.Runtime.
func (r *Runtime) Check(ctx context.Context) record.VariantInfo {
	f := r.flavour
	info := record.VariantInfo{Name: f.Variant, Runtime: f.Runtime, Engine: r.options.Engine.Name(), Command: []string{binary, "-namespace", Namespace}}
	add := func(name string, err error, found, remedy string) {
		q := record.Requirement{Name: name, Met: err == nil, Detail: found}
		if err != nil {
			q.Detail, q.Remedy = err.Error(), remedy
		}
		info.Requirements = append(info.Requirements, q)
	}
	in, err := r.installed(ctx)
	if in.shim != "" {
		info.Command[0] = in.shim
	}
	switch {
	case in.version.Generation == 0: // no shim, or one that says nothing
		add(binary, err, "", f.Remedy)
	default:
		add(binary, nil, in.shim+" "+in.version.String(), "")
		add("configuration of Kata for "+f.Hypervisor.Name, err, in.config.describe(), "install "+f.Hypervisor.Name+"'s configuration of Kata, "+f.Remedy)
	}
	if c := in.config; c != nil {
		for _, q := range configRequirements(f.Hypervisor, c) {
			add(q.name, q.err, q.found, q.remedy)
		}
		for _, d := range c.devices(f.Hypervisor, in.version) {
			add(d, file.Open(d), "opens", deviceRemedy(d, f))
		}
	}
	info.Requirements = append(info.Requirements, r.options.Engine.Check(ctx)...)
	if !info.Fit() {
		return info
	}
	ctx, cancel := context.WithTimeout(ctx, probeDeadline)
	defer cancel()
	const tried = "tried, works"
	add("KVM runs a guest", kvmguest.Probe(ctx), tried, "enable (nested) virtualization, "+inLab)
	add("overlay file system", bundle.Check(), tried, "modprobe overlay, "+inLab)
	add("veth network pairs", netns.Check(), tried, "modprobe veth, "+inLab)
	return info
}

func deviceRemedy(device string, f Flavour) string {
	remedy := "as root, modprobe " + modules[device]
	if f.InLab {
		remedy += ", " + inLab
	}
	return remedy
}

// devices are those that a shim opens for a sandbox. The agent of Kata 2 and later is
// always reached through a vsock; only QEMU's is the kernel's.
func (c *Config) devices(h Hypervisor, v version) []string {
	devices := []string{kvmguest.Device, tun}
	if h.VHost && (v.Generation > 1 || c.Vsock) {
		devices = append(devices, vhostVsock)
	}
	if h.VHost && c.VHostNet {
		devices = append(devices, vhostNet)
	}
	return devices
}

// describe says what makes a difference to the numbers.
func (c *Config) describe() string {
	if c == nil {
		return ""
	}
	text := strings.Join(append([]string{c.Path}, c.Parts...), ", ")
	for _, p := range []struct{ name, value string }{
		{"machine", c.Machine}, {"shared_fs", c.SharedFS}, {"network", c.Network},
	} {
		if p.value != "" {
			text += "; " + p.name + " " + p.value
		}
	}
	return text
}

// requirement is what a configuration asks for.
type requirement struct {
	name, found string
	err         error
	remedy      string
}

// configRequirements compares what a configuration names with the files of this
// machine, and with what hapscope can do. What it does not name is the shim's own
// default, which the shim does not tell.
func configRequirements(h Hypervisor, c *Config) (all []requirement) {
	ask := func(what, path string, check func(string) error) {
		if path != "" {
			all = append(all, requirement{what, path, check(path), "install it, or correct its path in " + c.Path})
		}
	}
	present := func(path string) error { _, err := os.Stat(path); return err }
	ask(h.Name, c.Monitor, executable)
	ask("jailer", c.Jailer, executable)
	ask("guest kernel", c.Kernel, present)
	ask("guest image", c.Image, present)
	ask("guest initrd", c.Initrd, present)
	if (c.Image == "") == (c.Initrd == "") {
		err := errors.New("neither an image nor an initrd is named")
		if c.Image != "" {
			err = errors.New("both an image and an initrd are named, which the shim refuses")
		}
		all = append(all, requirement{"one root of the guest", "", err, "name one of them in " + c.Path})
	}
	if c.servesFiles() {
		ask("virtiofsd", c.FileServer, executable)
	}
	all = append(all, requirement{"directories can be shared", "by " + cmp.Or(c.SharedFS, "the default"), c.shares(h), shareRemedy(h, c)})
	var err error
	if !c.OneCgroup {
		err = errors.New("sandbox_cgroup_only is false: the shim and the monitor would be outside the sandbox's cgroup, and could not be told from others")
	}
	return append(all, requirement{"all of the sandbox in one cgroup", "sandbox_cgroup_only is true", err, "set sandbox_cgroup_only = true below [runtime] in " + c.Path})
}

// servesFiles reports whether a virtiofsd of its own takes part. Where nothing is said
// virtio-fs is the default, of Cloud Hypervisor always.
func (c *Config) servesFiles() bool {
	return slices.Contains([]string{"", "virtio-fs", "virtio-fs-nydus"}, c.SharedFS)
}

// shares reports why the root file system, which is a directory of the host, cannot
// be shown to the guest.
func (c *Config) shares(h Hypervisor) error {
	switch {
	case !h.Shares:
		return fmt.Errorf("%s shares no directories with its guest: it wants the root file system on a block device, which hapscope does not make", h.Name)
	case c.SharedFS == "none":
		return errors.New("shared_fs is none, and hapscope gives the root file system as a directory")
	}
	return nil
}

func shareRemedy(h Hypervisor, c *Config) string {
	if !h.Shares {
		return "none yet; measure kata-qemu or kata-clh"
	}
	return `set shared_fs = "virtio-fs" in ` + c.Path
}
