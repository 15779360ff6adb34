// Package bcc counts chosen kernel functions with kprobes and a BPF program that
// libbcc compiles at run time: an independent witness for a sample of functions,
// to check the other two by. It shares with them the names of functions and the
// kernel's kprobes, and nothing of their filters: at each entry the program asks
// for the current thread's cgroup and id.
//
// It is in binaries built with the tag bcc only, which need cgo, libbpfcc and the
// kernel's headers at run time. It cannot observe all functions, because each takes
// a kprobe of its own; so what it saw is compared and never a result.
package bcc
