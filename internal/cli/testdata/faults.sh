# Runs inside the lab as on a user's host: `hapscope run --where host`, with one
# fault at a time. Nothing may be left behind after any of them.
set -u
cd "$(mktemp -d)"
hapscope=/run/hapscope/hapscope
bad=0

# must CODE TEXT COMMAND...: the command ends with CODE and prints TEXT.
must() {
	code=$1 text=$2; shift 2
	"$@" >out.txt 2>&1; got=$?
	cat out.txt
	[ $got = "$code" ] || { echo "FAIL: exit code $got, want $code: $*"; bad=1; }
	grep -qF -- "$text" out.txt || { echo "FAIL: no \"$text\" in the output of: $*"; bad=1; }
	sweep "$*"
}

# sweep finds what a run must not leave.
sweep() {
	left=$(
		find /sys/fs/cgroup -mindepth 1 -type d -path '*hapscope*' | grep -v '^/sys/fs/cgroup/hapscope$'
		ls /run/hapscope/netns /run/hapscope/scratch /sys/kernel/tracing/instances 2>/dev/null | grep -v ':$' | grep .
		ip -o link | grep ' hs'
		grep /run/hapscope/ /proc/mounts
		pgrep -a 'redis-server|runsc|runc|crun'
		[ "$(cat /sys/kernel/tracing/current_tracer)" = nop ] || echo "the global tracer is armed"
	)
	[ -z "$left" ] || { echo "FAIL: left behind by $1:"; echo "$left"; bad=1; }
}

one="--where host --variants runc --workloads redis-set --repetitions 1"

echo "== bad input"
must 2 'did you mean "quick"?' $hapscope run quikc
printf 'scenarios:\n  a:\n    varients: [runc]\n' >bad.yaml
must 2 'bad.yaml:3:5: unknown key "varients"' $hapscope run --scenarios bad.yaml a
printf 'scenarios:\n  a: [\n' >broken.yaml
must 2 'broken.yaml:' $hapscope run --scenarios broken.yaml a
must 2 'no such file' $hapscope report nowhere
must 2 'did you mean "ebpf"?' $hapscope run quick $one --collector epbf
must 2 'built without bcc' $hapscope run quick $one --collector bcc
must 2 'no share above 0' $hapscope run quick $one --until-converged 200%
must 2 'no size such as' $hapscope run quick $one --trace-buffer 8

# background starts a run and waits until its output has a text.
background() {
	$hapscope run quick --where host --variants runc --workloads redis-set --repetitions 50 --out "$1" >"$1.txt" 2>&1 &
	pid=$!
	n=0
	while ! eval "$2" && [ $n -lt 1200 ]; do sleep 0.1; n=$((n+1)); done
}

echo "== no variant can run"
must 3 'none of the variants can run' env PATH=/usr/sbin:/usr/bin:/sbin:/bin $hapscope run quick --where host --variants gvisor-systrap --workloads redis-set --repetitions 1 --out unfit

echo "== two at once, SIGTERM while a sandbox is up"
background first 'pgrep redis-server >/dev/null'
$hapscope run quick $one --out second >out.txt 2>&1; got=$?
cat out.txt
[ $got = 1 ] && grep -q 'another hapscope' out.txt || { echo "FAIL: a second run was not refused ($got)"; bad=1; }
kill -TERM $pid; wait $pid
[ $? = 130 ] || { echo "FAIL: SIGTERM did not end with 130"; bad=1; }
cat first.txt
grep -q 'run --resume' first.txt || { echo "FAIL: ended without a word about --resume"; bad=1; }
sweep SIGTERM

echo "== SIGKILL while the tracer is armed: the next run cleans up and says so"
background killed 'grep -q "INF armed" killed.txt && pgrep redis-server >/dev/null'
kill -KILL $pid; wait $pid 2>/dev/null
ls /sys/kernel/tracing/instances | grep -q hapscope || { echo "FAIL: it was killed before it had armed anything"; bad=1; }

echo "== in that run events are lost: the self-test refuses"
must 3 'events lost on CPU' $hapscope run quick $one --trace-buffer 8KiB --out refused
for what in 'trace instance' cgroup 'network namespace'; do
	grep -q "left behind.*$what" out.txt || { echo "FAIL: nothing is said about what the killed run left behind: $what"; bad=1; }
done

echo "== without the self-test the cell is degraded; a runtime is missing, and a workload has no interpreter"
mkdir -p /dev/shm/faults/upper /dev/shm/faults/work rootfs
mount -t overlay -o lowerdir=/lab/rootfs,upperdir=/dev/shm/faults/upper,workdir=/dev/shm/faults/work overlay rootfs
rm rootfs/usr/bin/python3
cat >faults.yaml <<Y
scenarios:
  faults: {variants: [runc, gvisor-systrap], workloads: [redis-set, python-tornado], repetitions: 1, where: host, settle: 1s, load: {requests: 100}}
Y
must 5 'events lost' env PATH=/usr/sbin:/usr/bin:/sbin:/bin HAPSCOPE_ROOTFS=$PWD/rootfs $hapscope run faults --scenarios faults.yaml --trace-buffer 8KiB --no-selftest --out lossy
umount rootfs
grep -q 'degraded' lossy/report.html && grep -q 'events lost' lossy/report.html || { echo "FAIL: the page does not show the loss"; bad=1; }
grep -q 'left out with --no-selftest' lossy/report.html || { echo "FAIL: the page does not say that there was no self-test"; bad=1; }
for row in 'runc,redis-set.*degraded' 'runc,python-tornado.*failed' 'gvisor-systrap.*skipped'; do
	grep -q "$row" lossy/results.csv || { echo "FAIL: the csv does not show $row"; bad=1; }
done

[ $bad = 0 ] && echo "all faults were handled"
exit $bad
