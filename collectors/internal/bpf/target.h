// Whom BPF programs observe: threads of a cgroup or below it, and those that were
// forked by a followed thread. threads.go is the other side.

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#define MAX_PIDS (1 << 22) // PID_MAX_LIMIT, include/linux/threads.h
#define MAX_DEPTH 12	   // of cgroups

#define PF_KTHREAD 0x00200000 // include/linux/sched.h

// What a thread is, in kinds. WORKER is that of a program which looks at workqueues.
enum kind { OTHER, LAUNCHER, FOLLOWED, WORKER };

// The parts of the kernel's structures that are used; where they lie is put in
// from the kernel's BTF when the program is loaded.
#define KERNEL __attribute__((preserve_access_index))

struct kernfs_node {
	__u64 id;
} KERNEL;

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} KERNEL;

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
} KERNEL;

struct css_set {
	struct cgroup *dfl_cgrp;
} KERNEL;

#define TASK_COMM_LEN 16 // include/linux/sched.h

struct mm_struct;

struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	struct mm_struct *mm;
	struct css_set *cgroups;
	struct task_struct *group_leader;
	char comm[TASK_COMM_LEN];
} KERNEL;

struct mm_struct {
	struct task_struct *owner;
} KERNEL;

// Set while running.
volatile __u32 enabled;
volatile __u64 target; // id of the followed cgroup, 0 for none

// What each thread is: one byte for each possible id rather than a hash map, whose
// functions are traced too.
struct kinds {
	__u8 of[MAX_PIDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct kinds);
	__uint(max_entries, 1);
} kinds SEC(".maps");

// kind_of points to the kind of a thread.
static __always_inline __u8 *kind_of(__u32 pid)
{
	__u32 zero = 0;
	struct kinds *k = bpf_map_lookup_elem(&kinds, &zero);

	return k ? &k->of[pid & (MAX_PIDS - 1)] : NULL;
}

static __always_inline bool in_target(struct task_struct *t)
{
	struct cgroup_subsys_state *css;
	__u64 id = target;
	int i;

	if (!id)
		return false;
	css = &t->cgroups->dfl_cgrp->self;
	for (i = 0; i < MAX_DEPTH; i++) {
		if (!css)
			return false;
		if (css->cgroup->kn->id == id)
			return true;
		css = css->parent;
	}
	return false;
}
