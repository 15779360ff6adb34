// Package cgroup makes, reads and removes cgroups of the unified (v2)
// hierarchy. All paths are absolute directories below the hierarchy's mount,
// the form of collectors.Target.Cgroup and runtimes.Sandbox.Cgroup.
//
// No controllers are enabled: the OCI runtimes enable those that they need.
package cgroup
