// Package nabla starts the tenders of unikernels by themselves, without a container
// runtime in between, as the measurements of 2018 did: nabla-run, and the tenders of
// today's Solo5. A tender is one process. It opens its tap and disk, loads the
// unikernel, takes all system calls but a handful from itself (seccomp), and jumps into
// it; solo5-hvt has it run by KVM.
//
// Create makes the place only: network namespace with a tap, cgroup, a copy of the
// disk. Start forks the tender on the calling thread, which a tracer may follow, into
// both: so nothing has run before it, and there is no phase create.
//
// The tender's network is that of a container under runnc (netns.AddTap), so that the
// two can be compared, and what the host's own end does for a packet is the softirq's
// and not the tender's.
package nabla
