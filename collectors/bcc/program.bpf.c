//go:build ignore

// What libbcc compiles. PREEMPT and OFFSETS are given on its command line.

struct entry {
	u64 ip;
	u32 slot;
	u32 pad;
};

BPF_HASH(counts, struct entry, u64, 65536);
BPF_HASH(followed, u32, u8, 16384); // thread → 1 launcher, 2 followed
BPF_ARRAY(settings, u64, 3);	    // 0: enabled, 1: id of the cgroup, 2: its level

static inline int in_target(void)
{
	int first = 1, second = 2;
	u64 *id = settings.lookup(&first), *level = settings.lookup(&second);

	return id && level && *id && bpf_get_current_ancestor_cgroup_id(*level) == *id;
}

int enter(struct pt_regs *ctx)
{
	int key = 0, preempt = 0;
	u64 *enabled = settings.lookup(&key), area = 0, zero = 0, *count;
	u32 tid = (u32)bpf_get_current_pid_tgid();
	u8 *kind = followed.lookup(&tid);
	struct entry e = {};

	if (!enabled || !*enabled || (kind && *kind == 1) || (!kind && !in_target()))
		return 0;
	bpf_probe_read_kernel(&area, sizeof(area), (void *)(OFFSETS + 8 * (u64)bpf_get_smp_processor_id()));
	bpf_probe_read_kernel(&preempt, sizeof(preempt), (void *)(area + PREEMPT));
	e.ip = bpf_get_func_ip(ctx);
	e.slot = preempt & 0xff0000 ? 2 : preempt & 0x100 ? 1 : 0; // include/linux/preempt.h
	count = counts.lookup_or_try_init(&e, &zero);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

TRACEPOINT_PROBE(sched, sched_process_fork)
{
	u32 parent = args->parent_pid, child = args->child_pid;
	u8 two = 2;

	if (followed.lookup(&parent))
		followed.update(&child, &two);
	return 0;
}

TRACEPOINT_PROBE(sched, sched_process_free)
{
	u32 tid = args->pid;

	followed.delete(&tid);
	return 0;
}
