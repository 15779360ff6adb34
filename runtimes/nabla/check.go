package nabla

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"hapscope/internal/kernel/cgroup"
	"hapscope/internal/kernel/kvmguest"
	"hapscope/record"
	"hapscope/runtimes/netns"
)

const (
	// kvmDeadline is for a guest of three instructions.
	kvmDeadline = 20 * time.Second
	// inLab is the way out where the machine itself is the problem.
	inLab = "or let the lab run it"
)

// Check implements runtimes.Runtime. What each workload's unikernel needs is for
// Unikernels to say.
func (r *Runtime) Check(ctx context.Context) record.VariantInfo {
	f := r.flavour
	info := record.VariantInfo{Name: f.Variant, Runtime: f.Runtime, Engine: record.EngineRaw, Command: []string{f.Binary}}
	add := func(name string, err error, found, remedy string) {
		q := record.Requirement{Name: name, Met: err == nil, Detail: found}
		if err != nil {
			q.Detail, q.Remedy = err.Error(), remedy
		}
		info.Requirements = append(info.Requirements, q)
	}
	path, err := r.find()
	found := path
	if err == nil {
		info.Command[0] = path
		var version string
		version, err = r.greet(ctx, path)
		found = strings.TrimSpace(path + " " + version)
	}
	add(f.Binary, err, found, f.Remedy)
	root, err := cgroup.Root()
	add("cgroup v2", err, "mounted at "+root, "mount a cgroup2 file system, "+inLab)
	uid := os.Geteuid()
	if uid != 0 {
		err = fmt.Errorf("effective user id %d", uid)
	}
	add("root", err, "effective user id 0", "run as root, "+inLab)
	if !info.Fit() {
		return info // what follows would only fail for the same reasons
	}
	const tried = "tried, works"
	add("veth network pairs", netns.Check(), tried, "modprobe veth, "+inLab)
	add("taps and bridges", netns.CheckTap(), tried, "modprobe tun bridge, "+inLab)
	if f.KVM {
		ctx, cancel := context.WithTimeout(ctx, kvmDeadline)
		defer cancel()
		add("KVM runs a guest", kvmguest.Probe(ctx), tried, "enable (nested) virtualization and modprobe kvm_amd or kvm_intel, "+inLab)
	}
	return info
}
