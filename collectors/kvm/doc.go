// Package kvm counts what virtual machines of a sandbox make the host's KVM do:
// exits by reason, hypercalls, exits on to the monitor, port and memory-mapped I/O,
// injected interrupts, and halts.
//
// It reads the kernel's trace events through an instance of its own. A BPF program
// on a raw tracepoint would have to take the exit's reason out of the processor's
// control block, which lies elsewhere on each vendor's and in each kernel: since
// Linux 5.10 the tracepoint kvm_exit is given the virtual CPU only, and the event's
// own code asks for the reason. Names of reasons are those that the running kernel
// prints, read from the event's format.
//
// An event belongs to the thread in whose time it happens: exits, hypercalls and I/O
// to that of the virtual CPU.
package kvm
