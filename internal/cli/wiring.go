package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hapscope/analysis"
	"hapscope/collectors"
	"hapscope/collectors/ebpf"
	"hapscope/collectors/ftrace"
	"hapscope/collectors/kvm"
	"hapscope/collectors/policy"
	"hapscope/collectors/syscalls"
	"hapscope/collectors/vhost"
	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/containerd"
	"hapscope/runtimes/docker"
	"hapscope/runtimes/nabla"
	"hapscope/runtimes/oci"
	"hapscope/runtimes/podman"
	"hapscope/runtimes/shim"
	"hapscope/workloads"
	"hapscope/workloads/node"
	"hapscope/workloads/python"
	"hapscope/workloads/redis"
)

// A new runtime, workload or collector is its own folder and one line here.

// allRuntimes lists the variants in the order in which tables show them, started as a
// plan wants it.
func allRuntimes(plan record.Plan, rootfs string) (all []runtimes.Runtime) {
	options := shim.Options{Leftovers: leftovers}
	if plan.Engine == scenario.Containerd {
		options.Engine = containerd.New(containerd.Options{Address: plan.ContainerdAddress})
	}
	for _, flavour := range oci.Flavours() {
		all = append(all, oci.New(flavour, oci.Options{}))
	}
	for _, flavour := range shim.Flavours() {
		all = append(all, shim.New(flavour, options))
	}
	for _, flavour := range nabla.Flavours() {
		all = append(all, nabla.New(flavour, nabla.Options{}))
	}
	return append(all, engineRuntimes(plan, rootfs)...)
}

// leftovers removes what a killed run has left with container engines and managers, which
// the next plan need not name.
func leftovers(ctx context.Context) (removed []string, err error) {
	for _, sweep := range []func(context.Context) ([]string, error){docker.Sweep, podman.Sweep, containerd.Sweep} {
		lines, e := sweep(ctx)
		removed, err = append(removed, lines...), errors.Join(err, e)
	}
	return removed, err
}

// needsKata reports whether a variant needs what the lab's component kata has.
func needsKata(variant string) bool {
	return slices.ContainsFunc(shim.Flavours(), func(f shim.Flavour) bool { return f.Variant == variant && f.InLab })
}

// knowsContainerd reports whether a variant can be started by containerd.
func knowsContainerd(variant string) bool {
	return slices.ContainsFunc(shim.Flavours(), func(f shim.Flavour) bool { return f.Variant == variant })
}

// allWorkloads lists the workloads in the order in which tables show them.
func allWorkloads() []workloads.Workload {
	return []workloads.Workload{redis.Set(), redis.Get(), python.Tornado(), node.Express()}
}

// allWitnesses lists the collectors of functions that this binary has, the
// default first, set up for a plan.
func allWitnesses(plan record.Plan) []collectors.Collector {
	return append([]collectors.Collector{
		ftrace.New(ftrace.Options{BufferKiB: int(plan.TraceBufferBytes >> 10)}),
		ebpf.New(ebpf.Options{}),
	}, bccWitness(plan)...)
}

// hasBCC reports whether this binary was built with the tag bcc.
func hasBCC() bool { return len(bccWitness(record.Plan{})) > 0 }

// witnessNames are the names of allWitnesses.
func witnessNames() (names []string) {
	for _, w := range allWitnesses(record.Plan{}) {
		names = append(names, w.Name())
	}
	return names
}

// witnesses are those of a plan.
func witnesses(plan record.Plan) (out []collectors.Collector, err error) {
	names := plan.Witnesses
	if len(names) == 0 { // a record from before there were several
		names = witnessNames()[:1]
	}
	all := allWitnesses(plan)
	for _, name := range names {
		i := slices.IndexFunc(all, func(c collectors.Collector) bool { return c.Name() == name })
		if i < 0 {
			return nil, fmt.Errorf("the plan names witness %q, which this hapscope does not have", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}

func otherCollectors() []collectors.Collector {
	return []collectors.Collector{syscalls.New(syscalls.Options{})}
}

// optionalCollectors are those of things that a machine need not have.
func optionalCollectors() []collectors.Collector {
	return []collectors.Collector{kvm.New(kvm.Options{}), vhost.New()}
}

// fitCollectors splits the optional ones into those that can be armed here and
// those that cannot, with the reason.
func fitCollectors(ctx context.Context) (fit []collectors.Collector, unfit map[string]string) {
	unfit = map[string]string{}
	for _, c := range optionalCollectors() {
		if unmet := record.Unmet(c.Check(ctx)); len(unmet) > 0 {
			unfit[c.Name()] = record.DescribeUnmet(unmet)
		} else {
			fit = append(fit, c)
		}
	}
	return fit, unfit
}

// fitPolicy returns what reads policies here, or why nothing does. self is this program.
func fitPolicy(ctx context.Context, self string) (read func(context.Context, string) ([]collectors.Held, error), why string) {
	if unmet := record.Unmet(policy.Check(ctx)); len(unmet) > 0 {
		return nil, record.DescribeUnmet(unmet)
	}
	return policy.Through(self, "guest", "policy"), ""
}

func catalog() scenario.Catalog {
	var c scenario.Catalog
	for _, r := range allRuntimes(record.Plan{}, "") {
		c.Variants = append(c.Variants, r.Variant())
		if runtimes.UnikernelsOf(r) != nil {
			c.Booters = append(c.Booters, r.Variant())
		}
	}
	for _, w := range allWorkloads() {
		c.Workloads = append(c.Workloads, w.Name())
	}
	c.Witnesses, c.Samplers, c.Engines = witnessNames(), []string{witnessBCC}, containerEngines()
	c.Phases, c.Contexts = texts(analysis.Phases()), texts(analysis.Contexts())
	c.Metrics, c.Timings = texts(analysis.Metrics()), texts(analysis.TimingMetrics())
	for _, m := range analysis.TimingMetrics() {
		if m.Higher() {
			c.Higher = append(c.Higher, string(m))
		}
	}
	return c
}

func runtimesByVariant(plan record.Plan, rootfs string) map[string]runtimes.Runtime {
	m := map[string]runtimes.Runtime{}
	for _, r := range allRuntimes(plan, rootfs) {
		m[r.Variant()] = r
	}
	return m
}

func workloadsByName() map[string]workloads.Workload {
	m := map[string]workloads.Workload{}
	for _, w := range allWorkloads() {
		m[w.Name()] = w
	}
	return m
}

// workloadPackages are the Debian packages of the image that holds all workloads.
func workloadPackages() (packages []string) {
	for _, w := range allWorkloads() {
		packages = append(packages, w.Packages()...)
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}
