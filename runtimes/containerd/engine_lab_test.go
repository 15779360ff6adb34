//go:build lab

package containerd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/lefttest"
	"hapscope/runtimes/netns"
	"hapscope/runtimes/shim"
)

// leavesNothing compares before and after what an engine leaves when it is not closed.
func leavesNothing(t *testing.T) (check func()) {
	t.Helper()
	return lefttest.Nothing(t, `
		find /sys/fs/cgroup -mindepth 1 -type d -path '*hapscope*'
		find /run/hapscope/containerd /opt/containerd /run/containerd/s/* 2>/dev/null
		grep -e hapscope /proc/mounts | grep -v -e ' /run/hapscope ' -e ' /lab'
		pgrep -af 'containerd|hapscope-shim' | grep -v -e pgrep -e .test -e defunct
		true`)
}

// prepared returns an engine that is ready until the test ends.
func prepared(t *testing.T, o Options) *Engine {
	t.Helper()
	e := New(o)
	for _, q := range record.Unmet(e.Check(t.Context())) {
		t.Fatalf("unmet: %+v", q)
	}
	start := time.Now()
	done, err := e.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("containerd was ready after %.2f s", time.Since(start).Seconds())
	t.Cleanup(func() {
		if err := done(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// order is one for a container of runc, whose shim comes with containerd: what it does
// takes a second, where a virtual machine takes a minute.
func order(t *testing.T, id string, args ...string) shim.Order {
	t.Helper()
	path, err := exec.LookPath("containerd-shim-runc-v2")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/dev/shm", "hapscope-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	net, err := netns.Create(id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { netns.Remove(id) })
	b, err := bundle.Create(runtimes.Spec{
		ID: id, Rootfs: "/lab/rootfs", Scratch: dir, Process: record.Process{Args: args, Env: []string{"PATH=/usr/bin:/bin"}},
	}, "/hapscope/"+id, net.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Remove(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		base, _ := cgroup.Root()
		cgroup.Remove(context.Background(), filepath.Join(base, "hapscope", id))
		os.Remove(filepath.Join(base, "hapscope"))
		os.RemoveAll("/run/containerd/runc/" + shim.Namespace) // runc's, where its shim was killed
	})
	o := shim.Order{ID: shim.IDPrefix + id, Shim: path, Bundle: b, Output: filepath.Join(dir, "output")}
	if err := os.WriteFile(o.Output, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// created makes a task, and removes it if that fails.
func created(t *testing.T, e *Engine, o shim.Order) shim.Task {
	t.Helper()
	task, err := e.Create(t.Context(), o)
	if err != nil {
		t.Fatal(errors.Join(err, task.Close(t.Context())))
	}
	return task
}

// A task of a containerd of ours lives, and each program of its shim is this process's
// child, in a session that nothing of containerd is in.
func TestTask(t *testing.T) {
	t.Cleanup(leavesNothing(t))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	e := prepared(t, Options{})
	o := order(t, "task", "/bin/sh", "-c", "echo hello; sleep 1000")
	parents := recordParents(t, &o)
	task := created(t, e, o)
	if err := task.Start(ctx); err != nil {
		t.Error(err)
	}
	ended := make(chan error, 1)
	go func() {
		status, err := task.Wait(ctx)
		if err == nil && status != 128+uint32(syscall.SIGKILL) {
			t.Errorf("exit status %d", status)
		}
		ended <- err
	}()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(read(o.Output), "hello"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("output %q", read(o.Output))
		}
	}
	if err := errors.Join(task.Kill(ctx), <-ended, task.Delete(ctx), task.Close(ctx)); err != nil {
		t.Error(err)
	}
	if got := read(parents); strings.Count(got, "start\n") != 1 || strings.Count(got, "delete\n") != 1 {
		t.Errorf("the shim was called with %q", got)
	}
	for line := range strings.Lines(read(parents)) {
		if parent, verb, _ := strings.Cut(line, " "); verb != "-info\n" && parent != pid() {
			t.Errorf("the shim's parent is %s, and this is %s", parent, pid())
		}
	}
}

// recordParents puts a script in the place of a shim, which notes who has called it
// and becomes the shim.
func recordParents(t *testing.T, o *shim.Order) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "parents")
	script := "#!/bin/sh\nfor last; do :; done\necho $PPID $last >>" + path + "\nexec " + o.Shim + " \"$@\"\n"
	o.Shim = filepath.Join(dir, "shim")
	if err := os.WriteFile(o.Shim, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
