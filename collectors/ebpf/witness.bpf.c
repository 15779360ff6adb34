//go:build ignore

// The program that runs at the entry of every kernel function, and those that
// tell it on whose behalf the CPU works. See doc.go.

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "target.h"

char _license[] SEC("license") = "GPL"; // the helpers for tracing ask for it

#define MAX_CPUS 512

// Slots of counts, in the order of contexts in counts.go.
enum { PROCESS, SOFTIRQ, HARDIRQ, KTHREAD, UNATTRIBUTED, SLOTS };

// include/linux/sched.h
#define PF_IO_WORKER 0x00000010
#define PF_USER_WORKER 0x00004000

// include/linux/preempt.h
#define SOFTIRQ_OFFSET 0x00000100 // a softirq is served; when merely disabled the count is twice that
#define HARDIRQ_MASK 0x000f0000
#define NMI_MASK 0x00f00000

struct work_struct {
	void *func;
} KERNEL;

// Any structures that begin with an int and with a long will do: they are a way
// to read one at an address without calling a helper, which would be a traced
// function itself.
struct refcount_struct {
	int refs;
};

struct timespec64 {
	__s64 tv_sec;
};

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak; // since Linux 6.2

// Set before loading.
volatile const __u64 preempt_count; // offset of the count in a CPU's area
volatile const __u64 per_cpu_offset; // address of the array of the CPUs' areas
volatile const __u32 functions;	    // rows of counts for each CPU

// One for each CPU, in cache lines of their own.
struct cpu {
	__u64 slot;	// PROCESS, KTHREAD or UNATTRIBUTED, plus 1; 0: not observed
	__u64 preempt;	// address of the preempt count
	__u64 pad[6];
};
struct cpu cpus[MAX_CPUS];

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1); // CPUs * functions * SLOTS
} counts SEC(".maps");

// The name of the process on whose behalf a kernel thread works.
struct owner {
	char comm[TASK_COMM_LEN];
};

// Work that the target has queued and that no worker has taken up yet.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __u64); // address of the work_struct
	__type(value, struct owner);
	__uint(max_entries, 16384);
} queued SEC(".maps");

// For whom a worker works that runs what the target has queued: such work may
// queue work itself.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __u32); // thread
	__type(value, struct owner);
	__uint(max_entries, 4096);
} owners SEC(".maps");

// What kernel threads have done for the target.
struct work {
	__u64 function; // address; 0 where the thread itself belongs to the target
	char thread[TASK_COMM_LEN];
	struct owner owner;
};

// How often.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct work);
	__type(value, __u64);
	__uint(max_entries, 4096);
} works SEC(".maps");

static __always_inline struct cpu *this_cpu(void)
{
	return &cpus[bpf_get_smp_processor_id() & (MAX_CPUS - 1)];
}

static __always_inline int read_int(__u64 address)
{
	int n = 0;

	if (bpf_rdonly_cast) {
		struct refcount_struct *r = bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct refcount_struct));

		return r->refs;
	}
	bpf_probe_read_kernel(&n, sizeof(n), (void *)address);
	return n;
}

static __always_inline int entered(void *ctx)
{
	struct cpu *cpu = this_cpu();
	__u32 slot, key;
	__u64 *count;
	int preempt;

	if (!cpu->slot || !enabled)
		return 0;
	slot = cpu->slot - 1;
	preempt = read_int(cpu->preempt);
	if (preempt & (HARDIRQ_MASK | NMI_MASK))
		slot = HARDIRQ;
	else if (preempt & SOFTIRQ_OFFSET)
		slot = SOFTIRQ;
	key = (bpf_get_smp_processor_id() * functions + bpf_get_attach_cookie(ctx)) * SLOTS + slot;
	count = bpf_map_lookup_elem(&counts, &key);
	if (count)
		*count += 1; // no other CPU and no other context has this one
	return 0;
}

SEC("kprobe.multi")
int enter(struct pt_regs *ctx)
{
	return entered(ctx);
}

// For kernels without kprobe.multi: loaded once for each of a few functions.
SEC("fentry/getppid")
int enter_one(void *ctx)
{
	return entered(ctx);
}

// slot_of says under what t's functions are counted, plus 1.
static __always_inline __u64 slot_of(struct task_struct *t)
{
	__u8 *kind = kind_of(t->pid);

	if (!kind || !t->pid || *kind == LAUNCHER)
		return 0;
	if (*kind == WORKER)
		return KTHREAD + 1;
	if (t->flags & PF_KTHREAD)
		return UNATTRIBUTED + 1;
	if (*kind != FOLLOWED && !in_target(t))
		return 0;
	if (t->flags & (PF_IO_WORKER | PF_USER_WORKER))
		return KTHREAD + 1;
	return PROCESS + 1;
}

// The name is that of the process, whichever of its threads it was.
static __always_inline void owner_of(struct task_struct *t, struct owner *o)
{
	bpf_probe_read_kernel(o, sizeof(*o), &t->group_leader->comm);
}

static __always_inline void ran(struct work *w)
{
	__u64 one = 1, *runs = bpf_map_lookup_elem(&works, w);

	if (runs)
		__sync_fetch_and_add(runs, 1);
	else
		bpf_map_update_elem(&works, w, &one, BPF_ANY);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct cpu *cpu = this_cpu();
	__u64 slot;

	if (!cpu->preempt) {
		__u64 offset = per_cpu_offset + 8 * bpf_get_smp_processor_id();
		__u64 area = 0;

		if (bpf_rdonly_cast) {
			struct timespec64 *t = bpf_rdonly_cast((void *)offset, bpf_core_type_id_kernel(struct timespec64));

			area = t->tv_sec;
		} else {
			bpf_probe_read_kernel(&area, sizeof(area), (void *)offset);
		}
		cpu->preempt = area + preempt_count;
	}
	cpu->slot = 0; // what the functions of maps do for this program is nobody's doing
	slot = slot_of(next);
	if (slot == KTHREAD + 1 && enabled && next->flags & (PF_IO_WORKER | PF_USER_WORKER)) {
		struct work w = {};

		bpf_probe_read_kernel(w.thread, sizeof(w.thread), &next->comm);
		owner_of(next, &w.owner);
		ran(&w);
	}
	cpu->slot = slot;
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

	if (kind)
		*kind = OTHER;
	return 0;
}

// What the functions of maps do for these programs is not the target's doing:
// the CPU observes nothing meanwhile.

SEC("tp_btf/workqueue_queue_work")
int BPF_PROG(queue_work, int req_cpu, void *pwq, struct work_struct *work)
{
	struct cpu *cpu = this_cpu();
	__u64 slot, key = (__u64)work;
	struct owner owner = {}, *mine = NULL;
	struct task_struct *t = bpf_get_current_task_btf();
	__u32 pid = t->pid;

	if (!enabled)
		return 0;
	slot = cpu->slot;
	if (slot != PROCESS + 1 && slot != KTHREAD + 1)
		return 0;
	if (read_int(cpu->preempt) & (HARDIRQ_MASK | NMI_MASK | SOFTIRQ_OFFSET))
		return 0; // an interrupt, which merely borrows the thread
	cpu->slot = 0;
	if (slot == KTHREAD + 1)
		mine = bpf_map_lookup_elem(&owners, &pid);
	if (mine)
		owner = *mine;
	else
		owner_of(t, &owner);
	bpf_map_update_elem(&queued, &key, &owner, BPF_ANY);
	cpu->slot = slot;
	return 0;
}

SEC("tp_btf/workqueue_execute_start")
int BPF_PROG(execute_start, struct work_struct *work)
{
	struct cpu *cpu = this_cpu();
	__u64 key = (__u64)work;
	struct work w = {.thread = "kworker"};
	struct owner *owner;
	__u32 pid = bpf_get_current_task_btf()->pid;
	__u8 *kind;

	if (!enabled)
		return 0;
	cpu->slot = 0;
	kind = kind_of(pid);
	if (!kind)
		return 0;
	owner = bpf_map_lookup_elem(&queued, &key);
	if (!owner) {
		cpu->slot = UNATTRIBUTED + 1;
		return 0;
	}
	w.owner = *owner;
	w.function = (__u64)work->func;
	bpf_map_delete_elem(&queued, &key);
	bpf_map_update_elem(&owners, &pid, &w.owner, BPF_ANY);
	ran(&w);
	*kind = WORKER;
	cpu->slot = KTHREAD + 1;
	return 0;
}

SEC("tp_btf/workqueue_execute_end")
int BPF_PROG(execute_end, struct work_struct *work, void *function)
{
	struct cpu *cpu = this_cpu();
	__u8 *kind;

	cpu->slot = 0;
	kind = kind_of(bpf_get_current_task_btf()->pid);
	if (kind && *kind == WORKER)
		*kind = OTHER;
	cpu->slot = UNATTRIBUTED + 1;
	return 0;
}
