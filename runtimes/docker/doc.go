// Package docker has a Docker daemon start sandboxes, with any runtime that it has
// registered. The daemon is the user's; hapscope starts none.
//
// A variant is docker- and the name that the daemon has for the runtime. The container is
// what `docker run --runtime NAME` makes, with the daemon's defaults: the default bridge,
// its seccomp profile, its logging driver, no limits.
//
// # What belongs to a sandbox
//
// Each container gets a cgroup of its own as its parent (--cgroup-parent). What the
// daemon's containerd forks for it outside of the container's cgroup (the shim, and for
// Kata its monitor) is found by parentage and moved into that parent, package enclosure.
// So the container and what serves it are one directory; dockerd and containerd, which
// serve others too, are not in it.
//
// # What is counted
//
//   - There is no phase create: `docker create` makes a layer and a line in a database,
//     and no process. The daemon does that, which is not the sandbox.
//   - boot begins with `docker start`. Of the sandbox is counted what happens from the
//     moment in which its first process has entered the container's cgroup, where it waits
//     until tracers follow it, the runtime's command and the shim. So the shim's own
//     start, and the beginning of the runtime's command, are missing: the price of a
//     daemon that forks them. Whoever wants all of it measures the same runtime by itself.
//   - idle and steady: all of the sandbox.
//   - teardown is `docker kill`, until the daemon has noticed, and `docker rm -f`. What the
//     shim and the runtime do for that is counted; what containerd runs afterwards to see
//     whether the shim has left something is not.
package docker
