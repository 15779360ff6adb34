//go:build lab

package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// systemdScript becomes the first process of namespaces of its own: a systemd with one job,
// which sees a unified hierarchy that begins with its own cgroup.
const systemdScript = `set -e
mount -t tmpfs -o mode=755 tmpfs /run
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
mkdir /run/units
cat >/run/units/job.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
TimeoutStartSec=infinity
StandardOutput=file:$1/job.log
StandardError=inherit
ExecStart=/bin/sh $1/job.sh $1
END
printf '[Unit]\nDefaultDependencies=no\nWants=job.service\n' >/run/units/default.target
export container=other SYSTEMD_UNIT_PATH=/run/units SYSTEMD_LOG_TARGET=console
exec /lib/systemd/systemd --system`

// jobScript has Docker with the systemd driver, and hapscope, which times through it.
const jobScript = `cd "$1"
printf 'version = 2\nroot = "%s/c/root"\nstate = "%s/c/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "/run/containerd.sock"\n' "$1" "$1" >containerd.toml
containerd -c containerd.toml >containerd.log 2>&1 &
dockerd --config-file "$1/daemon.json" --containerd /run/containerd.sock --data-root "$1/root" --exec-root /run/exec -H unix:///run/docker.sock \
  --pidfile /run/docker.pid --iptables=false --ip6tables=false --exec-opt native.cgroupdriver=systemd >dockerd.log 2>&1 &
for i in $(seq 240); do [ -S /run/docker.sock ] && docker -H unix:///run/docker.sock info >/dev/null 2>&1 && break; sleep 0.5; done
docker -H unix:///run/docker.sock info --format '{{.CgroupDriver}} {{.CgroupVersion}}' >driver
docker -H unix:///run/docker.sock info --format '{{json .}}' >info.json
# Who counts freezes the slice while a container starts: it must stay so until it is thawed.
slice=/sys/fs/cgroup/hapscope.slice/hapscope-frozen.slice
mkdir -p $slice && echo 1 >$slice/cgroup.freeze
tar -C "$HAPSCOPE_ROOTFS" -c . | docker -H unix:///run/docker.sock import - tiny:1 >/dev/null
docker -H unix:///run/docker.sock run --detach --name frozen --network none --cgroup-parent hapscope-frozen.slice tiny:1 /usr/bin/redis-server >/dev/null &
start=$!
for i in $(seq 200); do [ -n "$(cat $slice/docker-*.scope/cgroup.procs 2>/dev/null)" ] && break; sleep 0.05; done
sleep 0.5
running() { docker -H unix:///run/docker.sock ps --format '{{.Names}} runs'; } # inspect would wait for the start
{ cat $slice/cgroup.freeze; grep frozen $slice/cgroup.events; running; echo 0 >$slice/cgroup.freeze; wait $start; running; } >frozen
docker -H unix:///run/docker.sock rm --force frozen >/dev/null
docker -H unix:///run/docker.sock rmi tiny:1 >/dev/null
rmdir $slice; systemctl stop hapscope.slice
(while sleep 0.05; do find /sys/fs/cgroup/hapscope.slice -type d 2>/dev/null; done >seen) &
"$HAPSCOPE" run brief --scenarios scenarios.yaml --docker-address /run/docker.sock --out run >out 2>&1
echo $? >code
# Another one is killed with all that it has started itself, and what it has left is swept.
"$HAPSCOPE" run brief --scenarios scenarios.yaml --docker-address /run/docker.sock --out killed >>out 2>&1 &
for i in $(seq 600); do [ -n "$(docker -H unix:///run/docker.sock ps --quiet --filter name=-timed-)" ] && break; sleep 0.05; done # not the rehearsal's
found=yes # again until none is left: one that dies still has the run's lock
while [ -n "$found" ]; do
  found=
  for p in /proc/[0-9]*; do [ "$(readlink $p/exe)" = "$HAPSCOPE" ] && kill -9 ${p#/proc/} && found=yes; done
done
wait $!
"$HAPSCOPE" run --resume killed >>out 2>&1
echo $? >>code
find /sys/fs/cgroup -name '*hapscope*' >left
docker -H unix:///run/docker.sock ps --all --quiet >>left
docker -H unix:///run/docker.sock images --quiet >>left
systemctl list-units --all --plain --no-legend '*hapscope*' >units
touch done
`

// Docker where systemd has the cgroups: the container's parent is a slice, and what serves
// it is beside it. Both are real, in namespaces of their own.
func TestDockerWithSystemd(t *testing.T) {
	dir := t.TempDir()
	hierarchy := "/sys/fs/cgroup"
	if _, err := os.Stat(hierarchy + "/unified"); err == nil {
		hierarchy += "/unified"
	}
	own := filepath.Join(hierarchy, "systemd-of-a-test")
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeCgroups(t, own) })
	for name, text := range map[string]string{
		"job.sh":         fmt.Sprintf("export HAPSCOPE=%q HAPSCOPE_ROOTFS=%q HOME=/root NO_COLOR=1\n", binary(t), redisAlone(t)) + jobScript,
		"daemon.json":    "{}",
		"scenarios.yaml": "scenarios: {brief: {engine: docker, variants: [docker-runc], workloads: [redis-get], repetitions: 0, timing: {repetitions: 2, throughput: 1s, latency: 200ms, warm_up: 100ms}}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	console, err := os.Create(filepath.Join(dir, "console"))
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	c := exec.Command("sh", "-c", `echo $$ >"$1/cgroup.procs" && exec unshare --mount --pid --net --cgroup --ipc --uts --fork --kill-child --mount-proc sh -c "$2" sh "$3"`, "sh", own, systemdScript, dir)
	c.Stdout, c.Stderr = console, console
	// Whatever ends this test ends all of that: the signal looks at this thread.
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	text := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		return strings.TrimSpace(string(b))
	}
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "done")); err == nil {
			break
		}
	}
	c.Process.Kill() // and with it, by unshare, the first process of the namespaces
	c.Wait()
	t.Logf("%s; %.300s …\n%s\n%s\nunits: %s\nseen: %s", text("driver"), text("info.json"), text("out"), text("job.log"), text("units"), slices.Compact(strings.Fields(text("seen"))))
	if text("driver") != "systemd 2" || text("code") != "0\n0" {
		t.Fatalf("driver %q, exit code %q\n%s\n%s\n%s", text("driver"), text("code"), text("console"), text("dockerd.log"), text("containerd.log"))
	}
	if got := text("frozen"); got != "1\nfrozen 1\nfrozen runs" {
		t.Errorf("a frozen slice, its container, and that when it was thawed: %q", got)
	}
	if left := text("left") + text("units"); left != "" {
		t.Errorf("left: %s", left)
	}
	if !strings.Contains(text("out"), "container hapscope-docker-runc") || !strings.Contains(text("out"), "cgroup /sys/fs/cgroup/hapscope.slice") {
		t.Error("it is not said what was swept")
	}
	slice := `/sys/fs/cgroup/hapscope\.slice/hapscope-[0-9a-f]{12}\.slice`
	for _, want := range []string{slice + `/docker-[0-9a-f]{64}\.scope`, slice + "/beside"} {
		if !regexp.MustCompile("(?m)^" + want + "$").MatchString(text("seen")) {
			t.Errorf("nobody has seen %s", want)
		}
	}
	testrecord.Validate(t, filepath.Join(dir, "run"))
	timings := read(t, filepath.Join(dir, "run")).Timings
	for _, r := range timings {
		if r.Status != record.OK || r.Throughput == nil || r.Throughput.CPU <= 0 || r.Memory == nil || r.Memory.Steady < 1<<20 {
			t.Errorf("%s is %s: %s; %+v", r.Cell(), r.Status, r.Reason, r)
		}
	}
	if len(timings) != 2 {
		t.Errorf("%d timings", len(timings))
	}
}

// removeCgroups removes a cgroup and those below it, whose processes are dying.
func removeCgroups(t *testing.T, dir string) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		below := []string{}
		filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err == nil && e.IsDir() {
				below = append(below, path)
			}
			return nil
		})
		slices.Reverse(below)
		for _, d := range below {
			err = unix.Rmdir(d)
		}
		if _, gone := os.Stat(dir); gone != nil {
			return
		}
	}
	t.Errorf("remove %s: %v", dir, err)
}
