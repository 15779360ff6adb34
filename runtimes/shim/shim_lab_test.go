//go:build lab

package shim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/containerd"
	"hapscope/runtimes/lefttest"
	"hapscope/runtimes/shim"
)

// server is one without dependencies of its own: BusyBox is not in the image.
func server() record.Process {
	return record.Process{
		Args: []string{"/usr/bin/python3", "-c", `
import socket
s = socket.create_server(("0.0.0.0", 7))
print("listening", flush=True)
while True:
    c, _ = s.accept()
    c.sendall(c.recv(100))
    c.close()
`},
		Env: []string{"PATH=/usr/bin:/bin"},
	}
}

func newSpec(t *testing.T, id string, p record.Process) runtimes.Spec {
	t.Helper()
	// An overlay on the lab's own root cannot hold the upper layer of another.
	dir, err := os.MkdirTemp("/dev/shm", "hapscope-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return runtimes.Spec{ID: id, Rootfs: "/lab/rootfs", Process: p, Scratch: dir}
}

// leavesNothing compares before and after what a sandbox of ours leaves when it is not removed.
func leavesNothing(t *testing.T) (check func()) {
	t.Helper()
	return lefttest.Nothing(t, `
		find /sys/fs/cgroup -mindepth 1 -type d -path '*hapscope*'
		ls -d /run/hapscope/netns/* /run/vc/*/hapscope-* /run/kata*/hapscope-* /run/kata-containers/shared/sandboxes/hapscope-* /run/containerd/s/* /run/hapscope/containerd 2>/dev/null
		ip -o link | grep -e ' hs' -e tap
		tc qdisc show | grep -e hs -e tap
		grep -e hapscope -e kata-containers /proc/mounts | grep -v -e ' /run/hapscope ' -e ' /lab'
		pgrep -af 'containerd-shim-kata|qemu-system|virtiofsd|containerd --config|hapscope-shim' | grep -v pgrep
		true`)
}

// ask waits until the server answers.
func ask(ctx context.Context, box runtimes.Sandbox) error {
	for {
		answer, err := echo(ctx, box.Address())
		if err == nil && answer == "hello" {
			return nil
		}
		if e := box.Running(ctx); e != nil {
			return e
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer: %q, %w", answer, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func echo(ctx context.Context, address string) (string, error) {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(address, "7"))
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte("hello")); err != nil {
		return "", err
	}
	b, err := io.ReadAll(c)
	return string(b), err
}

// TestLife takes a sandbox through its life, on a locked thread as the driver does. It
// is containerd's, because all but the engine is the same: the direct one has its turn
// in the failures, and with a whole run in internal/cli (TestKata).
func TestLife(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	defer leavesNothing(t)()
	r := shim.New(shim.Flavours()[0], shim.Options{Engine: containerd.New(containerd.Options{})})
	defer prepare(t, r)()
	info := r.Check(ctx)
	if !info.Fit() || info.Engine != "containerd" {
		t.Fatalf("engine %s, unmet: %+v", info.Engine, record.Unmet(info.Requirements))
	}
	tools, err := r.Tools(ctx)
	if last := len(tools) - 1; err != nil || len(tools) < 6 || tools[last].Name != "containerd" || tools[last].Version == "" || !strings.Contains(tools[0].Version, "Kata 1, shim in Go") || len(tools[0].SHA256) != 64 {
		t.Errorf("Tools = %+v, %v", tools, err)
	}
	t.Log(tools)
	start := time.Now()
	lap := func(what string) {
		t.Logf("%s: %.2f s", what, time.Since(start).Seconds())
		start = time.Now()
	}
	box, err := r.Create(ctx, newSpec(t, "life", server()))
	if errors.Is(err, shim.ErrMonitorGone) {
		// A guest in an emulated guest dies now and then while it boots (docs/lab.md):
		// a plan's `retries` are for that, and nothing of it may be left.
		t.Log("once more:", err)
		box, err = r.Create(ctx, newSpec(t, "life", server()))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer box.Delete(ctx)
	lap("create")
	members(t, box)
	if err := box.Start(ctx); err != nil {
		t.Fatal(err)
	}
	lap("start")
	if err := ask(ctx, box); err != nil {
		t.Fatal(err)
	}
	lap("ready")
	if !strings.Contains(box.Output(), "listening") {
		t.Errorf("Output = %q", box.Output())
	}
	// The shim and the monitor, and nobody else, are in its cgroup.
	procs, err := filepath.Glob(box.Cgroup() + "/*/cgroup.procs")
	if err != nil || len(procs) != 1 {
		t.Errorf("cgroups %v, %v", procs, err)
	}
	for range 2 {
		if err := box.Delete(ctx); err != nil {
			t.Error(err)
		}
	}
	lap("delete")
	if box.Running(ctx) == nil {
		t.Error("a deleted sandbox runs")
	}
}

// members wants the shim and the monitor in the sandbox's cgroup, before anything is
// started in it, and nobody who is not theirs.
func members(t *testing.T, box runtimes.Sandbox) {
	t.Helper()
	pids, err := cgroup.Processes(box.Cgroup())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, pid := range pids {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		name, _, _ := strings.Cut(string(line), "\x00")
		seen[filepath.Base(name)]++
	}
	delete(seen, "containerd") // tells an event for the shim, and ends
	delete(seen, "virtiofsd")  // has a child or none
	// A child of the shim that is about to become another program looks like it.
	if seen["containerd-shim-kata-v2"] == 0 || seen["qemu-system-x86_64"] != 1 || len(seen) != 2 {
		t.Errorf("in the cgroup are %v, want the shim and one monitor", seen)
	}
}

// prepare makes the runtime ready.
func prepare(t *testing.T, r *shim.Runtime) (done func()) {
	t.Helper()
	end, err := r.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}
}

// fakeShim begins a script that passes for a shim until it is asked to start.
const fakeShim = `#!/bin/sh
[ "$1" = --version ] && echo 'containerd shim: id: "x", version: 1.13.0, commit: x' && exit
`

// A monitor that dies while it starts, and a shim that never answers: an error, in
// time, and nothing is left.
func TestBadStart(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for name, script := range map[string]string{
		"a shim that fails": "echo no such machine >&2; exit 3\n",
		"a shim that hangs": "sleep 1000\n",
	} {
		t.Run(name, func(t *testing.T) {
			defer leavesNothing(t)()
			path := filepath.Join(t.TempDir(), "shim")
			if err := os.WriteFile(path, []byte(fakeShim+script), 0o755); err != nil {
				t.Fatal(err)
			}
			r := shim.New(shim.Flavours()[0], shim.Options{Path: path, Deadline: 2 * time.Second})
			_, err := r.Create(t.Context(), newSpec(t, "bad", server()))
			if err == nil || !strings.Contains(err.Error(), "no such machine") && !strings.Contains(err.Error(), "no answer after 2s") {
				t.Errorf("err = %v", err)
			}
			if errors.Is(err, context.Canceled) {
				t.Errorf("err = %v", err)
			}
		})
	}
}
