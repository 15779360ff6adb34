package cli

import (
	"context"
	"fmt"
	"slices"

	"hapscope/collectors"
	"hapscope/collectors/ebpf"
	"hapscope/collectors/ftrace"
	"hapscope/collectors/kvm"
	"hapscope/collectors/syscalls"
	"hapscope/collectors/vhost"
	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/oci"
	"hapscope/runtimes/shim"
	"hapscope/workloads"
	"hapscope/workloads/node"
	"hapscope/workloads/python"
	"hapscope/workloads/redis"
)

// A new runtime, workload or collector is its own folder and one line here.

// allRuntimes lists the variants in the order in which tables show them.
func allRuntimes() (all []runtimes.Runtime) {
	for _, flavour := range oci.Flavours() {
		all = append(all, oci.New(flavour, oci.Options{}))
	}
	for _, flavour := range shim.Flavours() {
		all = append(all, shim.New(flavour, shim.Options{}))
	}
	return all
}

// needsKata reports whether a variant needs what the lab's component kata has.
func needsKata(variant string) bool {
	return slices.ContainsFunc(shim.Flavours(), func(f shim.Flavour) bool { return f.Variant == variant && f.InLab })
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

func catalog() scenario.Catalog {
	var c scenario.Catalog
	for _, r := range allRuntimes() {
		c.Variants = append(c.Variants, r.Variant())
	}
	for _, w := range allWorkloads() {
		c.Workloads = append(c.Workloads, w.Name())
	}
	c.Witnesses, c.Samplers = witnessNames(), []string{witnessBCC}
	return c
}

func runtimesByVariant() map[string]runtimes.Runtime {
	m := map[string]runtimes.Runtime{}
	for _, r := range allRuntimes() {
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
