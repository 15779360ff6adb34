// Package podman has Podman start sandboxes, with any OCI runtime that it knows. Podman
// has no daemon: its command is forked on the calling thread, and with it conmon, the
// runtime and all that they start are followed from their first instruction.
//
// A variant is podman- and the name that Podman has for the runtime (--runtime). The
// container is what `podman run` makes as root, with its defaults, but for
// --cgroup-manager=cgroupfs and a cgroup parent of its own, also where systemd is there.
// conmon, which Podman may leave in its own cgroup, is moved beside the container's.
//
// What is counted: create is `podman create` (which runs no runtime), boot begins with
// `podman start`, teardown is `podman kill`, until the cgroup is empty, and `podman rm`.
// Podman's own command is part of all three, in the role runtime. What hapscope asks
// besides (inspect, logs) is forked elsewhere and is not.
package podman
