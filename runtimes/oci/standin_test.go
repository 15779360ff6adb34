package oci

import (
	"context"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/netns"
	"hapscope/runtimes/process"
	"hapscope/runtimes/unikernel/unikerneltest"
)

// standIn is not runnc: it does to its caller what runnc does, and runs nothing but a
// sleep. Its create wants a long id and an absolute bundle, ignores the cgroup and lets
// the process wait at a fifo; its start waits there for ever if the process has died;
// its delete refuses as long as somebody has the process's id; it has no other command.
const standIn = `
root=$2 verb=$3; shift 3
case $verb in
create)
	while [ $# -gt 1 ]; do
		case $1 in
		--bundle) bundle=$2; shift ;;
		--pid-file) pidfile=$2; shift ;;
		esac
		shift
	done
	id=$1 state=$root/$1
	[ ${#id} -ge 12 ] || { echo "panic: slice bounds out of range" >&2; exit 2; }
	case $bundle in /*) ;; *) exit 2 ;; esac
	mkdir -p "$state" && mkfifo "$state/exec.fifo" || exit 1
	echo "root: $(ls "$bundle/rootfs" | tr '\n' ' ')"
	tr -d ' \n' < "$bundle/config.json" | grep -o '"args":\["/[^]]*]'
	sh -c 'echo 0 > "$1"; exec sleep 1000' init "$state/exec.fifo" &
	echo $! > "$state/pid"
	echo $! > "$pidfile" ;;
start) cat "$root/$1/exec.fifo" > /dev/null ;;
kill) kill -"$2" "$(cat "$root/$1/pid")" ;;
delete)
	for id; do :; done
	if kill -0 "$(cat "$root/$id/pid")" 2>/dev/null; then
		echo "cannot delete container $id that is not stopped: running" >&2; exit 1
	fi
	rm -rf "$root/$id" ;;
*) echo "No help topic for '$verb'" >&2; exit 3 ;;
esac
`

// runnc returns the runtime whose program is the stand-in.
func runnc(t *testing.T) *Runtime {
	t.Helper()
	_, err := cgroup.Root()
	if os.Geteuid() != 0 {
		err = errors.New("not root")
	}
	if err = errors.Join(err, netns.Check(), bundle.Check()); err != nil {
		if mustFit {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for _, f := range Flavours() {
		if f.Variant == "nabla-container" {
			return New(f, Options{Path: stub(t, standIn), Deadline: time.Minute})
		}
	}
	t.Fatal("no such variant")
	return nil
}

// unikernelSpec names a unikernel and a directory for its disk.
func unikernelSpec(t *testing.T, machine elf.Machine) runtimes.Spec {
	t.Helper()
	scratch, err := os.MkdirTemp("/dev/shm", "hapscope-test-") // can hold an overlay
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(scratch) })
	disk := t.TempDir()
	if err := os.WriteFile(filepath.Join(disk, "redis.conf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return runtimes.Spec{
		ID: "standin", Rootfs: "/nowhere", Process: record.Process{Args: []string{"/usr/bin/other"}}, Scratch: scratch,
		Unikernel: &record.Unikernel{Image: unikerneltest.Write(t, "redis.nabla", machine, 0), Disk: disk, Args: []string{"/redis.conf", "--port", "6379"}},
	}
}

// remains lists what a sandbox has left.
func remains(t *testing.T, r *Runtime, s runtimes.Spec) (names []string) {
	t.Helper()
	root, err := cgroup.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{root + "/hapscope/" + s.ID, netns.Dir + "/" + s.ID, r.root() + "/*", s.Scratch + "/*"} {
		paths, _ := filepath.Glob(pattern)
		names = append(names, paths...)
	}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if name := l.Attrs().Name; strings.Contains(name, netns.LinkName(s.ID)[:12]) {
			names = append(names, name)
		}
	}
	return names
}

func TestUnikernelLife(t *testing.T) {
	r := runnc(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := unikernelSpec(t, elf.EM_X86_64)
	box, err := r.Create(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Delete(ctx)
	// It is in the cgroup before it is started, and only its root and arguments are its own.
	inner := box.(*sandbox)
	if pids, err := cgroup.Processes(box.Cgroup()); err != nil || !slices.Equal(pids, []int{inner.pid}) {
		t.Errorf("in the cgroup: %v, %v", pids, err)
	}
	for _, want := range []string{"root: redis.conf redis.nabla", `"args":["/redis.nabla","/redis.conf","--port","6379"]`} {
		if !strings.Contains(box.Output(), want) {
			t.Errorf("Output = %q, want %q in it", box.Output(), want)
		}
	}
	err = inner.net.Do(func() error {
		route, err := netlink.RouteGet([]byte{192, 0, 2, 1})
		if err == nil && !route[0].Gw.Equal(inner.net.Gateway.AsSlice()) {
			t.Errorf("route to elsewhere: %v", route)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := box.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := box.Running(ctx); err != nil {
		t.Error(err)
	}
	// The link that runnc makes here.
	if err := netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: linkOf("tap", inner.id())}, Mode: netlink.TUNTAP_MODE_TAP}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := box.Delete(ctx); err != nil {
			t.Error(err)
		}
	}
	if names := remains(t, r, s); names != nil {
		t.Errorf("left: %v", names)
	}
}

// The process dies while it waits to be started: start does not wait for it for ever.
func TestUnikernelDiesBeforeStart(t *testing.T) {
	r := runnc(t)
	s := unikernelSpec(t, elf.EM_X86_64)
	box, err := r.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Delete(t.Context())
	if err := unix.Kill(box.(*sandbox).pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	process.Ends(t.Context(), box.(*sandbox).pid)
	if err := box.Start(t.Context()); !errors.Is(err, errEnded) {
		t.Errorf("err = %v", err)
	}
	if err := box.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	if names := remains(t, r, s); names != nil {
		t.Errorf("left: %v", names)
	}
}

func TestUnikernelRefused(t *testing.T) {
	r := runnc(t)
	other, none := unikernelSpec(t, elf.EM_AARCH64), unikernelSpec(t, elf.EM_X86_64)
	none.Unikernel = nil
	for want, s := range map[string]runtimes.Spec{"is for the machine EM_AARCH64": other, "none is named": none} {
		if _, err := r.Create(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q in it", err, want)
		}
		if names := remains(t, r, s); names != nil {
			t.Errorf("left: %v", names)
		}
	}
}

func TestRunncIsMissing(t *testing.T) {
	r := runnc(t)
	r.options.Path = "/nowhere/runnc"
	info := r.Check(t.Context())
	if q := info.Requirements[0]; info.Fit() || q.Met || !strings.Contains(q.Remedy, "github.com/nabla-containers/runnc") {
		t.Errorf("%+v", info.Requirements)
	}
	if r.Unikernels() == nil || New(Flavours()[0], Options{}).Unikernels() != nil {
		t.Error("not nabla-container alone boots unikernels")
	}
}
