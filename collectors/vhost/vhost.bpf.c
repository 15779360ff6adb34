//go:build ignore

// The programs at the entry of functions of vhost and of eventfd, and those that
// follow forks. See doc.go.

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "target.h"

char _license[] SEC("license") = "GPL"; // the helpers for tracing ask for it

#define EPOLLIN 0x00000001 // include/uapi/linux/eventpoll.h

// What is counted, in the order of counts.go.
enum what { WORK, KICK, CALL, WHATS };

// As in counts.go: functions that workers run, and one place for all others.
#define FUNCTIONS 32

struct wait_queue_entry;
struct vhost_dev;
struct vhost_virtqueue;
struct eventfd_ctx;

// Any structure that begins with a long will do: it is a way to read one at an
// address without calling a helper, whose functions would be traced as the target's.
struct timespec64 {
	__s64 tv_sec;
};

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak; // since Linux 6.2

// Set before loading, from the BTF of vhost: bytes into its structures.
volatile const __u64 work_fn;	// of vhost_work
volatile const __u64 poll_wait; // of vhost_poll
volatile const __u64 poll_work;
volatile const __u64 queue_call; // of vhost_virtqueue: the eventfd that it signals
volatile const __u64 queue_kick; // and the function that its kicks are handled by

volatile const __u64 functions[FUNCTIONS]; // addresses of the functions that workers run

// By what was done and for which function: of a queue, the one that its kicks are
// handled by. The last of each row is for those that are not known.
__u64 counts[WHATS][FUNCTIONS + 1];
__u64 stranger; // one of these, an address

__u64 lost; // threads with ids too high for the following map

// The queue whose eventfd a thread may be about to signal.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32); // thread
	__type(value, __u64);
	__uint(max_entries, 1); // the highest id there can be
} signalling SEC(".maps");

// observed tells whether a thread is the target's. A worker that is a kernel thread
// (before Linux 6.4, and later where vhost is told so) works in the memory of the
// process that owns the device: it is that process's. Others are threads of it, of
// whose making no tracepoint tells.
static __always_inline bool observed(struct task_struct *t)
{
	__u8 *thread, *process;

	if (t->flags & PF_KTHREAD && bpf_core_field_exists(struct mm_struct, owner)) {
		if (!t->mm)
			return false;
		t = t->mm->owner;
		if (!t)
			return false;
	}
	thread = kind_of(t->pid);
	process = kind_of(t->tgid);
	if (!thread || !process || *thread == LAUNCHER)
		return false;
	return *thread == FOLLOWED || *process == FOLLOWED || in_target(t);
}

static __always_inline __u64 read_long(__u64 address)
{
	__u64 n = 0;

	if (bpf_rdonly_cast) {
		struct timespec64 *t = bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct timespec64));

		return t->tv_sec;
	}
	bpf_probe_read_kernel(&n, sizeof(n), (void *)address);
	return n;
}

static __always_inline void count(enum what what, __u64 function)
{
	int i;

	for (i = 0; i < FUNCTIONS && functions[i]; i++) {
		if (functions[i] == function) {
			__sync_fetch_and_add(&counts[what][i], 1);
			return;
		}
	}
	stranger = function;
	__sync_fetch_and_add(&counts[what][FUNCTIONS], 1);
}

// Programs "at functions" are loaded once for each of them.

// At the functions that workers run.
SEC("fentry/vhost_flush_work")
int BPF_PROG(work, void *item)
{
	if (enabled && observed(bpf_get_current_task_btf()))
		count(WORK, read_long((__u64)item + work_fn));
	return 0;
}

// vhost_poll_wakeup runs in the time of whoever wakes up those that poll a file.
// Without a mode it is vhost_poll_start that asks, and nobody has kicked just now.
SEC("fentry/vhost_poll_wakeup")
int BPF_PROG(kick, struct wait_queue_entry *wait, unsigned int mode, int sync, void *key)
{
	if (!enabled || !mode || !((__u64)key & EPOLLIN))
		return 0;
	if (observed(bpf_get_current_task_btf()))
		count(KICK, read_long((__u64)wait - poll_wait + poll_work + work_fn));
	return 0;
}

// At the functions that may signal a queue. Whether they do is decided inside.
SEC("fentry/vhost_signal")
int BPF_PROG(signal, struct vhost_dev *dev, struct vhost_virtqueue *queue)
{
	struct task_struct *t = bpf_get_current_task_btf();
	__u32 pid = t->pid;
	__u64 *mine;

	if (!enabled || !observed(t))
		return 0;
	mine = bpf_map_lookup_elem(&signalling, &pid);
	if (mine)
		*mine = (__u64)queue;
	else
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

// At those that signal an eventfd, one of which may call the other.
SEC("fentry/eventfd_signal_mask")
int BPF_PROG(eventfd, struct eventfd_ctx *eventfd)
{
	__u32 pid = bpf_get_current_task_btf()->pid;
	__u64 queue, *mine;

	if (!enabled)
		return 0;
	mine = bpf_map_lookup_elem(&signalling, &pid);
	if (!mine || !*mine)
		return 0;
	queue = *mine;
	if (read_long(queue + queue_call) != (__u64)eventfd)
		return 0;
	*mine = 0;
	count(CALL, read_long(queue + queue_kick));
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	__u8 *from = kind_of(parent->pid), *to = kind_of(child->pid);

	if (from && to && (*from == FOLLOWED || *from == LAUNCHER))
		*to = FOLLOWED;
	return 0;
}

// Ids are given anew once a thread is freed, as ftrace's own filter has it.
SEC("tp_btf/sched_process_free")
int BPF_PROG(sched_process_free, struct task_struct *t)
{
	__u8 *kind = kind_of(t->pid);
	__u32 pid = t->pid;
	__u64 *queue = bpf_map_lookup_elem(&signalling, &pid);

	if (kind)
		*kind = OTHER;
	if (queue)
		*queue = 0;
	return 0;
}
