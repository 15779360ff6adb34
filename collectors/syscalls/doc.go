// Package syscalls counts the host system calls of followed threads, by name,
// with the tracepoint raw_syscalls/sys_enter.
//
// The tracepoint is the last station before the handler. On the way in, the
// kernel (6.12: syscall_trace_enter, kernel/entry/common.c) first serves Syscall
// User Dispatch, then ptrace, then seccomp, and only then the tracepoint. A
// call that one of them swallows or denies never gets here: the guest's own
// system calls under gVisor's ptrace platform (PTRACE_SYSEMU) or systrap
// (seccomp's SECCOMP_RET_TRAP) are not counted as the host's, because the host
// does not carry them out. Nor is a call whose number a tracer replaced by -1.
//
// The record has the number and not the ABI: calls through the 32-bit entries
// (int 0x80, sysenter) are counted under the 64-bit name of their number. The
// workloads have no 32-bit programs. Numbers of the x32 ABI have a bit of their
// own and are named x32_NNN; unknown ones are named syscall_NNN.
package syscalls

//go:generate go run ./gen zz_names_amd64.go
