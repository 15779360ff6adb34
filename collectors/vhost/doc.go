// Package vhost counts what vhost makes the host's kernel do for the virtual machines
// of a sandbox: the work items that its workers run, by function; the kicks that come
// in, by which a guest says that it has put something into a queue; and the calls that
// go out, the interrupts by which vhost says that it has used something up.
//
// BPF programs hang on the entry (fentry) of the work functions themselves, whose
// addresses are taken, so that the compiler cannot have put them into others; of
// vhost_poll_wakeup, which an eventfd calls when it is kicked; and of eventfd_signal, for
// the eventfd of the queue that vhost was about to signal. Where things lie in vhost's
// structures is read from the BTF of the module vhost. What the programs themselves call
// must not be counted as the sandbox's, so that they keep to arrays and to helpers that
// cannot be traced.
//
// A worker is the sandbox's when the process that owns the device is: since Linux 6.4
// it is a thread of that process, before a kernel thread that works in its memory. A
// kick belongs to whoever makes it, mostly a virtual CPU.
//
// An interrupt that comes while a BPF program runs does not run the same once more. None
// of what is counted happens in interrupts: there, only packets for taps wake vhost up.
package vhost
