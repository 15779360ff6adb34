// Package policy reads what the kernel holds the tasks of a sandbox to: which system
// calls it would still carry out for them, as whom they ask, and what they share with
// the host. Where the other collectors say what a sandbox did, this one says what it
// could have done.
//
// Seccomp filters are read out of the kernel (PTRACE_SECCOMP_GET_FILTER), because
// nobody else knows them for certain: a runtime may have changed what it was told, and
// monitors bring filters of their own. Package filter works out what they decide.
//
// Reading disturbs: each task is attached to and stopped for about a millisecond, and a
// system call in which it slept is interrupted, so that it may run code of the kernel
// which it would not have run. Nothing may be observed meanwhile. Every task is read, one
// after the other: threads of a process may have different filters.
//
// What it cannot see. Filters are of the 64-bit ABI that hapscope runs on: of the others
// it is told whether any call may pass. Syscall User Dispatch and ptrace (gVisor's
// platforms systrap and ptrace) take calls away before seccomp is asked, so that what is
// said of such tasks is an upper bound; and of a task that is traced already, as those of
// gVisor's platform ptrace are, no filter can be read.
package policy
