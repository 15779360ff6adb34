package cli

import (
	"slices"

	"hapscope/collectors"
	"hapscope/collectors/ftrace"
	"hapscope/collectors/syscalls"
	"hapscope/driver/scenario"
	"hapscope/runtimes"
	"hapscope/runtimes/oci"
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
	return all
}

// allWorkloads lists the workloads in the order in which tables show them.
func allWorkloads() []workloads.Workload {
	return []workloads.Workload{redis.Set(), redis.Get(), python.Tornado(), node.Express()}
}

func witness() collectors.Collector { return ftrace.New(ftrace.Options{}) }

func otherCollectors() []collectors.Collector {
	return []collectors.Collector{syscalls.New(syscalls.Options{})}
}

func catalog() scenario.Catalog {
	var c scenario.Catalog
	for _, r := range allRuntimes() {
		c.Variants = append(c.Variants, r.Variant())
	}
	for _, w := range allWorkloads() {
		c.Workloads = append(c.Workloads, w.Name())
	}
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
