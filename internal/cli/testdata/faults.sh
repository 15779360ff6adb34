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

echo "== events that are lost: the self-test refuses; without it the cell is degraded"
must 3 'events lost on CPU' $hapscope run quick $one --trace-buffer 8KiB --out refused
must 5 'events lost' $hapscope run quick $one --trace-buffer 8KiB --no-selftest --out lossy
grep -q 'degraded' lossy/report.html && grep -q 'events lost' lossy/report.html || { echo "FAIL: the page does not show the loss"; bad=1; }
grep -q ',degraded$' lossy/results.csv || { echo "FAIL: the csv does not show the degraded cell"; bad=1; }
grep -q 'left out with --no-selftest' lossy/report.html || { echo "FAIL: the page does not say that there was no self-test"; bad=1; }

echo "== all witnesses see the same"
must 0 'saw the same functions' $hapscope run quick --where host --variants runc --workloads redis-set --repetitions 1 --collector all --out all
grep -Eq 'at worst (0\.99|1\.0)' out.txt || { echo "FAIL: the witnesses do not agree"; bad=1; }

echo "== no variant can run"
must 3 'none of the variants can run' env PATH=/usr/sbin:/usr/bin:/sbin:/bin $hapscope run quick --where host --variants gvisor-systrap --workloads redis-set --repetitions 1 --out unfit

# background starts a run and waits until its server is there: then it is armed.
background() {
	$hapscope run quick --where host --variants runc --workloads redis-set --repetitions 50 --out "$1" >"$1.txt" 2>&1 &
	pid=$!
	n=0
	while ! pgrep redis-server >/dev/null && [ $n -lt 900 ]; do sleep 0.1; n=$((n+1)); done
}

echo "== two at once, SIGTERM"
background first
$hapscope run quick $one --out second >out.txt 2>&1; got=$?
cat out.txt
[ $got = 1 ] && grep -q 'another hapscope' out.txt || { echo "FAIL: a second run was not refused ($got)"; bad=1; }
kill -TERM $pid; wait $pid
[ $? = 130 ] || { echo "FAIL: SIGTERM did not end with 130"; bad=1; }
cat first.txt
grep -q 'run --resume' first.txt || { echo "FAIL: ended without a word about --resume"; bad=1; }
sweep SIGTERM

echo "== SIGKILL: the next run cleans up and says so"
background killed
kill -KILL $pid; wait $pid 2>/dev/null

echo "== in that run a runtime is missing, and a workload never gets ready"
cat >slow.yaml <<Y
scenarios:
  slow: {variants: [runc, gvisor-systrap], workloads: [python-tornado], repetitions: 1, deadline: 600ms, where: host}
Y
must 5 'deadline of 0.6s' env PATH=/usr/sbin:/usr/bin:/sbin:/bin $hapscope run slow --scenarios slow.yaml --out slow
grep -q 'left behind' out.txt || { echo "FAIL: nothing is said about what the killed run left behind"; bad=1; }
grep -q 'gvisor-systrap.*skipped' slow/results.csv || { echo "FAIL: the csv does not show the skipped cell"; bad=1; }

[ $bad = 0 ] && echo "all faults were handled"
exit $bad
