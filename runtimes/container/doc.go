// Package container is what sandboxes of all container engines have in common: an engine
// (packages docker, podman) says how it makes, starts, ends and forgets one container;
// here is what becomes of it, in which order, and what is said when it goes wrong.
//
// A container has a cgroup parent of its own, and all that serves it is gathered there
// (package enclosure).
package container
