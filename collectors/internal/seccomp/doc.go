// Package seccomp tells since when threads are held by a seccomp filter. A tender does
// its work, gives itself a filter, and jumps into a unikernel: what its policy covers
// begins with that call, and nobody has to stop the thread, or look at it, to see it. A
// few events of the kernel, in the ring buffer that holds what is to be divided, say who
// was given a filter, and who is a child of whom.
//
// # What counts
//
// seccomp(SECCOMP_SET_MODE_FILTER) with a program, or prctl(PR_SET_SECCOMP,
// SECCOMP_MODE_FILTER), that returned without an error: the call itself is on the near
// side. With SECCOMP_FILTER_FLAG_TSYNC all threads of the process are held from then on.
// Children are held as their parents are, and a thread that takes the place of its
// process's leader by exec takes along what it is held to. What was before the first
// phase, or between two, is read from /proc.
//
// # Edges
//
// Calls by the 32-bit entries are not seen. Which came first, on two CPUs, is told by the
// clock of the trace, which may be a little apart on CPUs whose time stamp counters are
// not in step.
package seccomp
