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

# sweep finds what a run must not leave: by the test binary's sweep (leftovers_test.go).
sweep() {
	left=$("$SWEEP" -test.run '^TestNothingIsLeft$' 2>&1) || { echo "FAIL: left behind by $1:"; echo "$left"; bad=1; }
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

echo "== one run, and in each repetition another fault: it fails and says why, and the next one is measured"
cat >several.yaml <<Y
scenarios:
  several: {variants: [runc], workloads: [redis-set], repetitions: 7, lifecycle_repetitions: 1, where: host, settle: 1s, idle: 3s, deadline: 90s, load: {requests: 50, warm_up: 20}}
Y
# A scratch directory that can be filled.
mkdir -p /run/hapscope/scratch && mount -t tmpfs -o size=2m tmpfs /run/hapscope/scratch
{ $hapscope run several --scenarios several.yaml --no-selftest --out several >several.txt 2>&1; echo $? >several.code; } &
pid=$!
uptime_s() { cut -d. -f1 /proc/uptime; } # the clock is set
measured() { [ -f several/results.jsonl ] && wc -l <several/results.jsonl || echo 0; }
# at N: repetition N is under way, and its server is there.
at() {
	end=$(($(uptime_s) + 300))
	while ! { [ "$(measured)" -ge $(($1 - 1)) ] && ls -d /sys/fs/cgroup/hapscope/*-redis-set-$1-* && pgrep redis-server; } >/dev/null 2>&1; do
		[ ! -f several.code ] && [ "$(uptime_s)" -lt $end ] || { echo "FAIL: repetition $1 never comes"; bad=1; return; }
		sleep 0.2
	done
	sleep 0.3
}
at 1; echo 64K >"$(ls -d /sys/fs/cgroup/hapscope/*-redis-set-1-*)/memory.max"
at 2; date -s @$(($(date +%s) + 3600)) >/dev/null
at 3; kill -STOP $(pgrep redis-server)
at 4
end=$(($(uptime_s) + 300))
# Again and again: what repetition 4 leaves free is as much as the next one needs.
while [ "$(measured)" -lt 5 ] && [ ! -f several.code ] && [ "$(uptime_s)" -lt $end ]; do
	cat /dev/zero >>/run/hapscope/scratch/full 2>/dev/null
	sleep 0.05
done
rm -f /run/hapscope/scratch/full
at 7; umount -l /sys/kernel/tracing
wait $pid; got=$(cat several.code)
cat several.txt
umount /run/hapscope/scratch; mount -t tracefs tracefs /sys/kernel/tracing
[ $got = 5 ] || { echo "FAIL: exit code $got, want 5: several"; bad=1; }
# is N STATUS TEXT: repetition N has ended so.
is() { sed -n "$1p" several/results.jsonl | grep -q "\"repetition\":$1,\"status\":\"$2\".*$3" || { echo "FAIL: repetition $1 is not $2 ($3):"; sed -n "$1p" several/results.jsonl | cut -c1-600; bad=1; }; }
is 1 failed 'killed [0-9]* processes of the sandbox for want of memory'
is 2 ok ''
is 3 failed 'no answer within 1m0s'
is 5 failed 'no space left on device'
is 7 failed 'tracefs is not mounted any more'
grep -q 'which traces on.*mount it again' several.txt || { echo "FAIL: nothing is said of the instance that is still there"; bad=1; }

echo "== SIGKILL while the tracer is armed: the next run cleans up and says so"
background killed 'grep -q "INF armed" killed.txt && pgrep redis-server >/dev/null'
kill -KILL $pid; wait $pid 2>/dev/null
grep -q 'removed what an earlier run left behind.*trace instance' killed.txt || { echo "FAIL: the instance of the unmounted tracefs was not removed"; bad=1; }
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
