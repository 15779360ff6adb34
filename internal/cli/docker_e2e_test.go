//go:build lab

package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
	"hapscope/runtimes/file"
)

// engines is a Docker daemon with a containerd of its own, all below one directory, on
// this machine: without rules of a packet filter, which would be the machine's.
type engines struct{ dir, socket string }

// startDocker starts one with runtimes that the machine has, and some that it has not.
func startDocker(t *testing.T) engines {
	t.Helper()
	runc, err := exec.LookPath("runc")
	if err != nil {
		t.Fatal(err)
	}
	settings, _ := json.Marshal(map[string]any{"runtimes": map[string]any{
		"Odd_name.1": map[string]string{"path": runc},
		"a/b":        map[string]string{"path": runc},
		"broken":     map[string]string{"path": "/bin/false"},
	}})
	return startDockerWith(t, string(settings))
}

// startDockerWith starts one with what daemon.json says.
func startDockerWith(t *testing.T, settings string) engines {
	t.Helper()
	dir := t.TempDir()
	e := engines{dir, filepath.Join(dir, "docker.sock")}
	t.Cleanup(e.restore())
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := write("daemon.json", settings)
	containerd := write("containerd.toml", fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = %q\n", dir+"/c-root", dir+"/c-state", dir+"/c.sock"))
	e.daemon(t, dir+"/c.sock", "containerd", "-c", containerd)
	e.daemon(t, e.socket, "dockerd", "--config-file", config, "--containerd", dir+"/c.sock", "--data-root", dir+"/root", "--exec-root", dir+"/exec",
		"-H", "unix://"+e.socket, "--pidfile", dir+"/pid", "--iptables=false", "--ip6tables=false")
	return e
}

// restore returns what removes from the machine that which a daemon leaves on it when it
// ends, unless another one had it before.
func (e engines) restore() func() {
	const bridge = "docker0"
	cgroups := func() []string {
		found, _ := filepath.Glob("/sys/fs/cgroup/*/docker")
		return append(found, "/sys/fs/cgroup/docker")
	}
	before := map[string]bool{}
	for _, dir := range cgroups() {
		_, err := os.Stat(dir)
		before[dir] = err == nil
	}
	_, err := net.InterfaceByName(bridge)
	hadBridge := err == nil
	return func() {
		mounts, _ := os.ReadFile("/proc/self/mountinfo")
		for line := range strings.Lines(string(mounts)) {
			if point := strings.Fields(line)[4]; strings.HasPrefix(point, e.dir+"/") { // runsc's empty network namespace
				unix.Unmount(point, unix.MNT_DETACH)
			}
		}
		for _, dir := range cgroups() {
			if !before[dir] {
				os.Remove(dir)
			}
		}
		if l, err := netlink.LinkByName(bridge); err == nil && !hadBridge {
			netlink.LinkDel(l)
		}
	}
}

// daemon runs a program until the test ends, and waits for its socket.
func (e engines) daemon(t *testing.T, socket, name string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(e.dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatalf("%v: make test-deps installs it", err)
	}
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
		log.Close()
	})
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			return
		}
	}
	text, _ := os.ReadFile(log.Name())
	t.Fatalf("%s does not come up:\n%s", name, text)
}

func (e engines) docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), "docker", append([]string{"-H", "unix://" + e.socket}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// nothing fails the test for what hapscope has left with the daemon.
func (e engines) nothing(t *testing.T) {
	t.Helper()
	if left := e.docker(t, "ps", "--all", "--quiet") + e.docker(t, "images", "--quiet"); left != "" {
		t.Errorf("left with Docker: %s", left)
	}
}

func (e engines) scenario(t *testing.T, more string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "scenarios.yaml")
	text := "scenarios: {brief: {engine: docker, docker_address: " + e.socket + ", workloads: [redis-get], repetitions: 0, timing: {repetitions: 1, throughput: 1s, latency: 200ms, warm_up: 100ms}" + more + "}}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// Performance through the user's daemon, on this machine: all runtimes that it lists are
// found, what cannot run says why, and what a killed run leaves the next one removes.
func TestDockerNatively(t *testing.T) {
	clean(t)
	e := startDocker(t)
	dir := filepath.Join(t.TempDir(), "run")
	hapscope(t, "run", "brief", "--scenarios", e.scenario(t, ""), "--out", dir).want(t, 5, "docker-a/b", "other characters", "docker-broken")
	clean(t)
	e.nothing(t)
	testrecord.Validate(t, dir)
	rec := read(t, dir)
	var found []string
	for _, r := range rec.Timings {
		found = append(found, r.Variant+" "+string(r.Status))
		if r.Status == record.OK && (r.Place != record.Native || r.StartUp == nil || r.Throughput == nil || r.Throughput.CPU <= 0 || r.Memory == nil || r.Memory.Steady < 1<<20) {
			t.Errorf("%s: %+v", r.Cell(), r)
		}
	}
	slices.Sort(found)
	if want := "docker-Odd_name.1 ok,docker-a/b skipped,docker-broken failed,docker-runc ok"; strings.Join(found, ",") != want {
		t.Errorf("timed %v, want %s", found, want)
	}
	at := rec.Run.Timed[record.Native]
	if i := slices.IndexFunc(at.Tools, func(x record.Tool) bool { return x.Name == "image" }); i < 0 || len(at.Tools[i].SHA256) != 64 {
		t.Errorf("no digest of the image: %+v", at.Tools)
	}

	// Killed in the middle, both processes: the next run sweeps the container. That of the
	// rehearsal, which is gone at once, is not meant.
	killed := filepath.Join(t.TempDir(), "killed")
	args := []string{"run", "brief", "--scenarios", e.scenario(t, ", variants: [docker-runc]"), "--out", killed}
	stop(t, killed, 0, func(*outputs) bool { return e.docker(t, "ps", "--quiet", "--filter", "name=-timed-") != "" }, func(t *testing.T, pid int) {
		measuring := children(t, pid)
		killChildren(t, pid)
		syscall.Kill(pid, syscall.SIGKILL)
		for _, child := range measuring {
			for deadline := time.Now().Add(time.Minute); syscall.Kill(child, 0) == nil && time.Now().Before(deadline); {
				time.Sleep(100 * time.Millisecond)
			}
		}
	}, args...)
	out := hapscope(t, "run", "--resume", killed)
	out.want(t, 0, "removed what an earlier run left behind", "container hapscope-docker-runc")
	clean(t)
	e.nothing(t)
}

// What is wrong with an engine is said, with what to do, before anything is measured.
func TestDockerFaults(t *testing.T) {
	e := engines{socket: filepath.Join(t.TempDir(), "none.sock")}
	hapscope(t, "run", "brief", "--scenarios", e.scenario(t, ""), "--out", filepath.Join(t.TempDir(), "a")).want(t, 3, "no Docker daemon answers at "+e.socket, "systemctl start docker")
	hapscope(t, "run", "quick", "--engine", "docker", "--docker-address", "relative").want(t, 2, "absolute path")
	hapscope(t, "run", "quick", "--engine", "dokcer").want(t, 2, `did you mean "docker"?`)
	e = startDocker(t)
	hapscope(t, "run", "brief", "--scenarios", e.scenario(t, ", runtime: runsc"), "--out", filepath.Join(t.TempDir(), "b")).want(t, 5, "runtime runsc registered with Docker", "daemon.json")
	hapscope(t, "run", "brief", "--scenarios", e.scenario(t, ", runtime: runc, images: {redis-get: 127.0.0.1:1/no/such:1}"), "--out", filepath.Join(t.TempDir(), "c")).want(t, 1, "fetch image 127.0.0.1:1/no/such:1", "correct the reference")
	e.foreignImage(t)
	hapscope(t, "run", "quick", "--engine", "docker", "--docker-address", e.socket, "--where", "lab").want(t, 3, "container engines are this machine's")
	e.nothing(t)
	clean(t)
}

// foreignImage runs a workload from an image of a registry that lacks its program: the image
// is fetched, in the record by its digests, and gone again; what was wrong is said.
func (e engines) foreignImage(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/tiny:1" // Docker trusts 127.0.0.0/8
	load := exec.Command("docker", "-H", "unix://"+e.socket, "import", "-", reference)
	load.Stdin = file.Archive(map[string]string{"/etc/motd": "nothing else"})
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("docker import: %v\n%s", err, out)
	}
	e.docker(t, "push", reference)
	e.docker(t, "rmi", reference)
	dir := filepath.Join(t.TempDir(), "run")
	hapscope(t, "run", "brief", "--scenarios", e.scenario(t, ", runtime: runc, images: {redis-get: \""+reference+"\"}"), "--out", dir).want(t, 5, "redis-server", "executable file not found")
	rec := read(t, dir)
	at := rec.Run.Timed[record.Native]
	if i := slices.IndexFunc(at.Tools, func(x record.Tool) bool { return x.Path == reference }); i < 0 || len(at.Tools[i].SHA256) != 64 || !strings.Contains(at.Tools[i].Version, "/tiny@sha256:") {
		t.Errorf("the record does not say which image: %+v", at.Tools)
	}
	e.nothing(t)
}

// HAP through Docker and Podman, in host mode, on a machine whose kernel can be traced:
// the lab. In the steady state the same runtime without an engine enters the same
// functions, but for those of the engine's shim: a Go program, whose runtime now and then
// collects its garbage and gives memory back (madvise), with 45 functions that runsc
// under Redis does not enter.
func TestDockerInLab(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	for name, text := range map[string]string{"engines.sh": enginesScript, "scenarios.yaml": `
defaults: {deadline: 4m, lifecycle_repetitions: 1, load: {requests: 100}}
scenarios:
  engines: {variants: [runc, docker-runc, podman-runc, gvisor-systrap, docker-runsc], workloads: [redis-set], repetitions: 3}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	hapscope(t, "lab", "exec", "--docker", "--share", dir+":rw", "--", "sh", filepath.Join(dir, "engines.sh"), dir).want(t, 0, "nothing left")
	testrecord.Validate(t, out)
	rec := read(t, out)
	sets := map[string][]analysis.Set{} // of each repetition
	for _, r := range rec.Results {
		if r.Status != record.OK {
			t.Errorf("%s is %s: %s", r.Cell(), r.Status, r.Reason)
			continue
		}
		var set analysis.Set
		steady := r.Phase(record.Steady)
		for role, seen := range steady.Roles {
			for _, h := range seen.Functions {
				if role != record.RoleShim && !slices.Contains(set, h.Function) {
					set = append(set, h.Function)
				}
			}
		}
		if shim := steady.Roles[record.RoleShim]; shim != nil {
			t.Logf("%s: the shim was awake, with %d functions", r.Cell(), len(shim.Functions))
		}
		slices.Sort(set)
		sets[r.Variant] = append(sets[r.Variant], set)
		checkHelpers(t, r)
	}
	names := func(s analysis.Set) (names []string) {
		for _, f := range s {
			names = append(names, rec.Tables[rec.Run.Machine.BuildID][f].Name())
		}
		return names
	}
	for engine, own := range map[string]string{"docker-runc": "runc", "podman-runc": "runc", "docker-runsc": "gvisor-systrap"} {
		a, b := sets[engine], sets[own]
		if len(a) == 0 || len(b) == 0 {
			t.Errorf("nothing to compare of %s and %s", engine, own)
			continue
		}
		x, y := mostly(a), mostly(b)
		j, chance := x.Jaccard(y), min(likeness(a), likeness(b))
		t.Logf("%s beside %s: Jaccard %.3f of %d and %d functions; only there %v, only here %v; repetitions among themselves: %.3f and %.3f", engine, own, j,
			len(x), len(y), names(x.Minus(y)), names(y.Minus(x)), likeness(a), likeness(b))
		// Where chance alone makes a larger difference, none can be asked of the engine.
		if j < min(0.95, chance) {
			t.Errorf("%s enters other functions than %s: Jaccard %.3f", engine, own, j)
		}
		// What chance cannot be made answerable for: entered in each repetition of one, and in
		// none of the other's.
		more, fewer := fold(a, analysis.Set.Intersect).Minus(fold(b, analysis.Set.Union)), fold(b, analysis.Set.Intersect).Minus(fold(a, analysis.Set.Union))
		all := len(fold(append(slices.Clone(a), b...), analysis.Set.Union))
		if like := 1 - float64(len(more)+len(fewer))/float64(all); like < 0.95 {
			t.Errorf("%s differs from %s in each repetition: %v are always entered there and never here, %v never there and always here", engine, own, names(more), names(fewer))
		}
	}
}

func fold(sets []analysis.Set, f func(a, b analysis.Set) analysis.Set) analysis.Set {
	folded := sets[0]
	for _, s := range sets[1:] {
		folded = f(folded, s)
	}
	return folded
}

// likeness is the smallest Jaccard index of two sets.
func likeness(sets []analysis.Set) float64 {
	least := 1.0
	for i := range sets {
		for j := range i {
			least = min(least, sets[i].Jaccard(sets[j]))
		}
	}
	return least
}

// mostly is what was entered in more than half of the repetitions: runc differs from
// itself by more than an engine makes of it, where each is looked at alone.
func mostly(repetitions []analysis.Set) (s analysis.Set) {
	times := map[int]int{}
	for _, set := range repetitions {
		for _, f := range set {
			times[f]++
		}
	}
	for f, n := range times {
		if 2*n > len(repetitions) {
			s = append(s, f)
		}
	}
	slices.Sort(s)
	return s
}

// checkHelpers looks at what an engine had beside a sandbox: one shim, which was followed.
func checkHelpers(t *testing.T, r record.Result) {
	t.Helper()
	if !strings.HasPrefix(r.Variant, "docker-") && !strings.HasPrefix(r.Variant, "podman-") {
		if len(r.Helpers) != 0 {
			t.Errorf("%s has helpers %v", r.Variant, r.Helpers)
		}
		return
	}
	shims := 0
	for _, h := range r.Helpers {
		if h.Role == record.RoleShim {
			shims++
		}
		if h.Role == record.RoleOther || h.Program == "" {
			t.Errorf("%s: nobody knows what %+v is", r.Variant, h)
		}
	}
	if shims != 1 {
		t.Errorf("%s has %d shims: %+v", r.Variant, shims, r.Helpers)
	}
	for _, p := range []record.Phase{record.Boot, record.Teardown} {
		if r.Repetition == 1 && (r.Phase(p) == nil || r.Phase(p).Roles[record.RoleShim] == nil) {
			t.Errorf("%s: nothing is said of the shim in %s", r.Variant, p)
		}
	}
	if docker := strings.HasPrefix(r.Variant, "docker-"); r.Phase(record.Create) != nil && docker {
		t.Errorf("%s has a phase create", r.Variant)
	}
}

// enginesScript starts Docker and Podman in the lab, measures, and looks at what is left.
const enginesScript = `set -e
cd "$1"
mkdir -p /run/d /etc/containers
echo '{"runtimes":{"runsc":{"path":"/lab/tools/bin/runsc"}}}' >/run/d/daemon.json
printf 'version = 2\nroot = "/run/d/c/root"\nstate = "/run/d/c/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "/run/d/containerd.sock"\n' >/run/d/containerd.toml
containerd -c /run/d/containerd.toml >/run/d/containerd.log 2>&1 &
dockerd --config-file /run/d/daemon.json --containerd /run/d/containerd.sock --data-root /run/d/root --exec-root /run/d/exec \
  -H unix:///run/d/docker.sock --pidfile /run/d/pid --iptables=false --ip6tables=false >/run/d/dockerd.log 2>&1 &
printf '[storage]\ndriver = "overlay"\ngraphroot = "/run/podman/storage"\nrunroot = "/run/podman/run"\n' >/etc/containers/storage.conf
# No rules of a packet filter, as with Docker.
printf '[network]\nfirewall_driver = "none"\n' >/etc/containers/containers.conf
[ -f /etc/containers/policy.json ] || echo '{"default":[{"type":"insecureAcceptAnything"}]}' >/etc/containers/policy.json
for i in $(seq 240); do grep -q 'API listen' /run/d/dockerd.log && break; sleep 0.5; done
# Redis alone: all workloads, as an image, are minutes under emulation.
small=/run/small; rootfs=/lab/rootfs
` + smallRootfs + `export HAPSCOPE_ROOTFS=/run/small
before=$(find /sys/fs/cgroup -type d -not -path '*hapscope*' | sort; ls /sys/kernel/tracing/instances; cat /sys/kernel/tracing/set_ftrace_pid /sys/kernel/tracing/current_tracer /sys/kernel/tracing/tracing_on)
hapscope run engines --where host --scenarios scenarios.yaml --docker-address /run/d/docker.sock --out run --no-selftest || { tail -n 30 /run/d/*.log; exit 1; }
after=$(find /sys/fs/cgroup -type d | sort; ls /sys/kernel/tracing/instances; cat /sys/kernel/tracing/set_ftrace_pid /sys/kernel/tracing/current_tracer /sys/kernel/tracing/tracing_on)
left=$(ls /run/d/root/containers; grep -o 'workloads' /run/d/root/image/overlay2/repositories.json || true; podman ps -aq; podman images -q)
[ "$before" = "$after" ] && [ -z "$left" ] && echo nothing left
`

// smallRootfs makes of the workloads' $rootfs one with Redis alone, $small.
const smallRootfs = `mkdir -p $small/tmp $small/etc $small/proc $small/sys $small/dev
cp $rootfs/etc/passwd $rootfs/etc/group $small/etc/
(cd $rootfs
 cp -L --parents usr/bin/redis-server usr/bin/redis-benchmark $small/
 for f in $(chroot . ldd /usr/bin/redis-server /usr/bin/redis-benchmark | grep -o '/[^ ]*\.so[^ ]*' | sort -u | sed 's|^/lib|/usr/lib|;s|^/usr/usr|/usr|;s|^/||'); do cp -L --parents $f $small/; done
 cp -a --parents usr/lib/locale $small/
 cp -a bin lib lib64 sbin $small/)
`
