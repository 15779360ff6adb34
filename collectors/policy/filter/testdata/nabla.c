/*
 * Writes the filter of the policy that the Solo5 tender of Nabla (nabla-run, built from
 * Solo5 120848b) sets up for a network device and a disk, as libseccomp compiles it, to
 * standard output. The rules are those of tenders/spt/spt_core.c, spt_module_net.c and
 * spt_module_block.c there.
 *
 *   gcc -o nabla nabla.c -lseccomp && ./nabla 3 4 67108864 >nabla-64MiB.bpf
 */
#include <err.h>
#include <stdlib.h>
#include <seccomp.h>

static void rule(scmp_filter_ctx f, int call, unsigned n, const struct scmp_arg_cmp *args)
{
	int rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, n, args);
	if (rc != 0)
		errx(1, "rule for call %d: %d", call, rc);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: nabla TAPFD DISKFD CAPACITY");
	int tap = atoi(argv[1]), disk = atoi(argv[2]);
	unsigned long long last = strtoull(argv[3], NULL, 0) - 512;
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL);
	struct scmp_arg_cmp stdout_only[] = {SCMP_A0(SCMP_CMP_EQ, 1)};
	struct scmp_arg_cmp no_mask[] = {SCMP_A3(SCMP_CMP_EQ, 0)};
	struct scmp_arg_cmp monotonic[] = {SCMP_A0(SCMP_CMP_EQ, 1)};
	struct scmp_arg_cmp realtime[] = {SCMP_A0(SCMP_CMP_EQ, 0)};
	struct scmp_arg_cmp on_tap[] = {SCMP_A0(SCMP_CMP_EQ, tap)};
	struct scmp_arg_cmp on_disk[] = {SCMP_A0(SCMP_CMP_EQ, disk), SCMP_A2(SCMP_CMP_EQ, 512), SCMP_A3(SCMP_CMP_LE, last)};

	rule(f, SCMP_SYS(read), 1, on_tap);
	rule(f, SCMP_SYS(write), 1, on_tap);
	rule(f, SCMP_SYS(pread64), 3, on_disk);
	rule(f, SCMP_SYS(pwrite64), 3, on_disk);
	rule(f, SCMP_SYS(write), 1, stdout_only);
	rule(f, SCMP_SYS(exit_group), 0, NULL);
	rule(f, SCMP_SYS(ppoll), 1, no_mask);
	rule(f, SCMP_SYS(clock_gettime), 1, monotonic);
	rule(f, SCMP_SYS(clock_gettime), 1, realtime);
	return seccomp_export_bpf(f, 1) != 0;
}
