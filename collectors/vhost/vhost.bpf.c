//go:build ignore

// The programs at the entry of functions of vhost, of eventfd, and of the one that
// lets a new thread run. See doc.go.

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "target.h"

char _license[] SEC("license") = "GPL"; // the helpers for tracing ask for it

#define MAX_CPUS 512

#define EPOLLIN 0x00000001    // include/uapi/linux/eventpoll.h

// What is counted, in the order of counts.go.
enum what { WORK, KICK, CALL };

// Set before loading, from the BTF of vhost: bytes into its structures.
volatile const __u64 work_fn;	// of vhost_work
volatile const __u64 poll_wait; // of vhost_poll
volatile const __u64 poll_work;
volatile const __u64 queue_call; // of vhost_virtqueue: the eventfd that it signals
volatile const __u64 queue_kick; // and the function that its kicks are handled by

// What found no room.
__u64 lost[MAX_CPUS];

// What was done, by the function that a worker runs: of a queue, the one that its
// kicks are handled by.
struct event {
	__u64 function; // address
	__u64 what;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct event);
	__type(value, __u64);
	__uint(max_entries, 1024);
} counts SEC(".maps");

// The queue whose eventfd a thread may be about to signal.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32); // thread
	__type(value, __u64);
	__uint(max_entries, 16384);
} signalling SEC(".maps");

// observed tells whether the current thread is the target's. A worker that is a
// kernel thread (before Linux 6.4, and later where vhost is told so) works in the
// memory of the process that owns the device: it is that process's.
static __always_inline bool observed(void)
{
	struct task_struct *t = bpf_get_current_task_btf();
	__u8 *kind;

	if (t->flags & PF_KTHREAD && bpf_core_field_exists(struct mm_struct, owner)) {
		if (!t->mm)
			return false;
		t = t->mm->owner;
		if (!t)
			return false;
	}
	kind = kind_of(t->pid);
	if (!kind || *kind == LAUNCHER)
		return false;
	return *kind == FOLLOWED || in_target(t);
}

static __always_inline void missed(void)
{
	__sync_fetch_and_add(&lost[bpf_get_smp_processor_id() & (MAX_CPUS - 1)], 1);
}

static __always_inline void count(__u64 what, __u64 function)
{
	struct event e = {.function = function, .what = what};
	__u64 none = 0, *n = bpf_map_lookup_elem(&counts, &e);

	if (!n) {
		bpf_map_update_elem(&counts, &e, &none, BPF_NOEXIST);
		n = bpf_map_lookup_elem(&counts, &e);
	}
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		missed();
}

static __always_inline __u64 read_long(__u64 address)
{
	__u64 n = 0;

	bpf_probe_read_kernel(&n, sizeof(n), (void *)address);
	return n;
}

// At the functions that workers run: f(struct vhost_work *work).
SEC("kprobe")
int work(struct pt_regs *ctx)
{
	if (enabled && observed())
		count(WORK, read_long(PT_REGS_PARM1(ctx) + work_fn));
	return 0;
}

// vhost_poll_wakeup(wait_queue_entry_t *wait, unsigned mode, int sync, void *key)
// runs in the time of whoever wakes up those that poll a file. Without a mode it is
// vhost_poll_start that asks, and nobody has kicked just now.
SEC("kprobe")
int kick(struct pt_regs *ctx)
{
	__u64 poll = PT_REGS_PARM1(ctx) - poll_wait;

	if (!enabled || !(__u32)PT_REGS_PARM2(ctx) || !(PT_REGS_PARM4(ctx) & EPOLLIN))
		return 0;
	if (observed())
		count(KICK, read_long(poll + poll_work + work_fn));
	return 0;
}

// At the functions that may signal a queue: f(struct vhost_dev *dev, struct
// vhost_virtqueue *vq, ...). Whether they do is decided inside.
SEC("kprobe")
int signal(struct pt_regs *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid();
	__u64 queue = PT_REGS_PARM2(ctx);

	if (enabled && observed() && bpf_map_update_elem(&signalling, &pid, &queue, BPF_ANY))
		missed();
	return 0;
}

// At those that signal an eventfd: f(struct eventfd_ctx *ctx, ...). One of them may
// call the other.
SEC("kprobe")
int eventfd(struct pt_regs *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid();
	__u64 *queue, function;

	if (!enabled)
		return 0;
	queue = bpf_map_lookup_elem(&signalling, &pid);
	if (!queue || read_long(*queue + queue_call) != PT_REGS_PARM1(ctx))
		return 0;
	function = read_long(*queue + queue_kick);
	bpf_map_delete_elem(&signalling, &pid);
	count(CALL, function);
	return 0;
}

// wake_up_new_task(struct task_struct *p) runs in the parent's time, for each new
// thread, those that the kernel makes in a process's name included.
SEC("kprobe")
int thread(struct pt_regs *ctx)
{
	struct task_struct *child = (struct task_struct *)PT_REGS_PARM1(ctx);
	__u8 *from = kind_of(bpf_get_current_pid_tgid()), *to = kind_of(BPF_CORE_READ(child, pid));

	if (from && to) // ids are given anew
		*to = *from == OTHER ? OTHER : FOLLOWED;
	return 0;
}
