// Package native makes of the machine itself a place like the lab: the same user land,
// workloads and tools, from the same images, on this machine's kernel and hardware. It
// is for timings, which need no kernel that can be traced, and which are worth little
// under emulation.
//
// A process that was started with Attributes has a mount namespace of its own. In it,
// Enter mounts the images and makes them the root; the unified cgroup hierarchy is at
// /sys/fs/cgroup, also on a machine that has cgroup v1 there. Nothing of that is seen
// outside, and all of it ends with the last process of the namespace, however that
// ends. Cgroups, network links and processes are the machine's: the runtimes remove
// them, or the next run does.
package native
