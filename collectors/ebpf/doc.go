// Package ebpf counts the kernel functions that followed threads enter with a
// BPF program at the entry of every traceable function (kprobe.multi, Linux 5.18
// with CONFIG_FPROBE): a second witness, which shares with ftrace only the list
// of functions and the kernel's patch sites.
//
// The program runs for every process of the machine, so that its first test is
// all that most entries pay: one word for each CPU, which says on whose behalf
// the CPU works and which is written when the CPU turns to another thread. A
// thread is the target's when it is in the target's cgroup or below it, or when a
// followed thread has forked it. Counts are dense arrays, one for each CPU and
// context, in memory that hapscope reads without a system call.
//
// Kernel threads are observed too: a worker of a workqueue is the target's while
// it runs work that the target has queued; threads that the kernel runs in the
// target's name (io_uring, vhost) always are. All that other kernel threads did
// is counted as unattributed.
//
// Hot functions, and the few that the kernel's way to the program enters itself,
// are in a link of their own that is attached for each observation and made
// smaller as they are seen in process context: sets are complete, counts of those
// functions are lower bounds.
//
// An interrupt that comes while the program runs is not observed: BPF programs of
// this kind do not nest. (The kernel counts such misses, but under one number with
// the functions that its way to the program enters.) So the contexts softirq and
// hardirq are partial. Process context is not concerned: there, only what the
// witness itself enters can be missed.
package ebpf
