// Package vhost counts what vhost makes the host's kernel do for the virtual machines
// of a sandbox: the work items that its workers run, by function; the kicks that come
// in, by which a guest says that it has put something into a queue; and the calls that
// go out, the interrupts by which vhost says that it has used something up.
//
// BPF programs hang on kprobes: at the work functions themselves, whose addresses are
// taken, so that the compiler cannot have put them into others; at vhost_poll_wakeup,
// which an eventfd calls when it is kicked; and at eventfd_signal, for the eventfd of
// the queue that vhost was about to signal. Where things lie in vhost's structures is
// read from the BTF of the module vhost. Kprobes rather than fentry, because a kprobe
// that sits on a patch site of ftrace holds ftrace's recursion lock: what the program
// and its maps call is counted as nobody's function.
//
// A worker is the sandbox's when the process that owns the device is: since Linux 6.4
// it is a thread of that process, before a kernel thread that works in its memory. A
// kick belongs to whoever makes it, mostly a virtual CPU.
//
// An interrupt that comes while a BPF program runs runs none itself. None of what is
// counted happens in interrupts: there, only packets for taps wake vhost up.
package vhost
