package oci

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"hapscope/internal/kernel/cgroup"
	"hapscope/internal/kernel/kvmguest"
	"hapscope/internal/kernel/probe"
	"hapscope/record"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/file"
	"hapscope/runtimes/netns"
)

const (
	// kvmDeadline is for a guest of three instructions, which under emulation
	// takes a fraction of a second.
	kvmDeadline = 20 * time.Second
	// unifiedMount is the only place where the OCI runtimes look for a unified
	// hierarchy: with cgroup v1 there, they use v1.
	unifiedMount = "/sys/fs/cgroup"
	// inLab is the way out where the machine itself is the problem.
	inLab = "or let the lab run it"
)

// Check implements runtimes.Runtime.
func (r *Runtime) Check(ctx context.Context) record.VariantInfo {
	f := r.flavour
	info := record.VariantInfo{
		Name: f.Variant, Runtime: f.Runtime, Engine: "oci",
		Command: append([]string{r.options.Path, "--root", r.root()}, r.globalArgs()...),
	}
	add := func(q record.Requirement) bool {
		if q.Met {
			q.Remedy = ""
		}
		info.Requirements = append(info.Requirements, q)
		return q.Met
	}
	add(r.checkBinary(ctx))
	for _, n := range f.Programs {
		add(n.check())
	}
	for _, d := range f.Devices {
		add(tried(d, file.Open(d), "modprobe "+filepath.Base(d)+", "+inLab))
	}
	add(checkCgroup())
	if !add(probe.Superuser(f.Capabilities, ", "+inLab)) {
		return info // all that follows would only fail for the same reason
	}
	add(tried("overlay file system", bundle.Check(), "modprobe overlay, "+inLab))
	add(tried("veth network pairs", netns.Check(), "modprobe veth, "+inLab))
	if f.KVM {
		ctx, cancel := context.WithTimeout(ctx, kvmDeadline)
		err := kvmguest.Probe(ctx)
		cancel()
		add(tried("KVM runs a guest", err, "enable (nested) virtualization and modprobe kvm_amd or kvm_intel, "+inLab))
	}
	if len(f.Probe) > 0 && info.Fit() {
		add(tried("a trial sandbox of "+f.Variant+" runs", r.probe(ctx), "run another variant here, "+inLab))
	}
	return info
}

// tried turns the outcome of doing a thing into a requirement.
func tried(name string, err error, remedy string) record.Requirement {
	if err != nil {
		return record.Requirement{Name: name, Detail: err.Error(), Remedy: remedy}
	}
	return record.Requirement{Name: name, Met: true, Detail: "tried, works"}
}

func (r *Runtime) checkBinary(ctx context.Context) record.Requirement {
	q := record.Requirement{Name: r.flavour.Binary + " in PATH", Remedy: r.flavour.Remedy}
	if r.options.Path != r.flavour.Binary {
		q.Name = r.options.Path
	}
	path, err := exec.LookPath(r.options.Path)
	if err != nil {
		q.Detail = "not found: " + err.Error()
		return q
	}
	version, err := r.version(ctx, path)
	if err != nil {
		q.Detail = err.Error()
		return q
	}
	q.Met, q.Detail = true, path+" "+version
	return q
}

// check looks for a program that another one needs.
func (n Need) check() record.Requirement {
	q := record.Requirement{Name: n.Path, Remedy: n.Remedy}
	path, err := exec.LookPath(n.Path)
	if err != nil {
		q.Detail = "not found: " + err.Error()
		return q
	}
	return record.Requirement{Name: n.Path, Met: true, Detail: path}
}

func checkCgroup() record.Requirement {
	q := record.Requirement{
		Name:   "cgroup v2 only",
		Remedy: "boot with systemd.unified_cgroup_hierarchy=1, " + inLab,
	}
	root, err := cgroup.Root()
	switch {
	case err != nil:
		q.Detail = err.Error()
	case root != unifiedMount:
		q.Detail = fmt.Sprintf("the unified hierarchy is mounted at %s, beside cgroup v1", root)
	default:
		q.Met, q.Detail = true, "mounted at "+root
	}
	return q
}
