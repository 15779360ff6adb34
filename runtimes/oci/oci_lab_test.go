//go:build lab

package oci

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/netns"
)

// image is the workloads' root file system in the lab.
const image = "/lab/rootfs"

// echo is a server without dependencies of its own.
func echo() record.Process {
	return record.Process{
		Args: []string{"/usr/bin/python3", "/srv/echo.py"},
		Env:  []string{"PATH=/usr/bin:/bin"},
		Cwd:  "/srv",
		Files: map[string]string{"/srv/echo.py": `
import socket
s = socket.create_server(("0.0.0.0", 7))
print("listening", flush=True)
while True:
    c, _ = s.accept()
    c.sendall(c.recv(100))
    c.close()
`},
	}
}

func newSpec(t *testing.T, id string, p record.Process) runtimes.Spec {
	return runtimes.Spec{ID: id, Rootfs: image, Process: p, Scratch: tmpfs(t)}
}

// tmpfs returns a directory that can hold the writable layer of an overlay,
// which one on the lab's own root cannot.
func tmpfs(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "hapscope-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestLife takes each variant through the life of a sandbox, on a locked
// thread as the driver does.
func TestLife(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, f := range Flavours() {
		if f.Unikernel != nil {
			continue // the lab has none; see standin_test.go
		}
		t.Run(f.Variant, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
			defer cancel()
			r := New(f, Options{})
			if info := r.Check(ctx); !info.Fit() {
				t.Fatalf("unmet: %+v", record.Unmet(info.Requirements))
			}
			tools, err := r.Tools(ctx)
			if err != nil || len(tools) != 1 || tools[0].Version == "" || len(tools[0].SHA256) != 64 {
				t.Errorf("Tools = %+v, %v", tools, err)
			}
			t.Log(tools)

			before := traces(t)
			start := time.Now()
			lap := func(what string) {
				t.Logf("%s: %.2f s", what, time.Since(start).Seconds())
				start = time.Now()
			}
			box, err := r.Create(ctx, newSpec(t, "life-"+f.Variant, echo()))
			if err != nil {
				t.Fatal(err)
			}
			lap("create")
			defer box.Delete(ctx)
			outside(t, box)
			start = time.Now()
			if err := box.Start(ctx); err != nil {
				t.Fatal(err)
			}
			lap("start")
			ask(t, ctx, box)
			lap("ready")
			outside(t, box)
			if err := box.Running(ctx); err != nil {
				t.Error(err)
			}
			if !strings.Contains(box.Output(), "listening") {
				t.Errorf("Output = %q", box.Output())
			}
			start = time.Now()
			for range 2 {
				if err := box.Delete(ctx); err != nil {
					t.Error(err)
				}
			}
			lap("delete")
			if err := box.Running(ctx); err == nil {
				t.Error("a deleted sandbox runs")
			}
			if after := traces(t); after != before {
				t.Errorf("left behind:\nbefore:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

// ask dials until the server echoes.
func ask(t *testing.T, ctx context.Context, box runtimes.Sandbox) {
	t.Helper()
	for {
		c, err := net.Dial("tcp", box.Address()+":7")
		if err == nil {
			c.Write([]byte("ping"))
			b := make([]byte, 4)
			_, err = c.Read(b)
			c.Close()
			if err == nil && string(b) == "ping" {
				return
			}
		}
		if err := box.Running(ctx); err != nil {
			t.Fatal(err)
		}
		if ctx.Err() != nil {
			t.Fatalf("no answer: %v; output: %s", err, box.Output())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// outside reports processes that belong to the sandbox but are not in its
// cgroup: those that have its id in their command line, and their children.
func outside(t *testing.T, box runtimes.Sandbox) {
	t.Helper()
	pids, err := cgroup.Processes(box.Cgroup())
	if err != nil || len(pids) == 0 {
		t.Fatalf("no process is in the cgroup: %v", err)
	}
	in := map[string]bool{}
	for _, pid := range pids {
		in[fmt.Sprint(pid)] = true
		t.Logf("in the cgroup: %d %.150s", pid, commandLine(fmt.Sprint(pid)))
	}
	id := filepath.Base(box.Cgroup())
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid := filepath.Base(dir)
		stat, _ := os.ReadFile(dir + "/stat")
		f := strings.Fields(string(stat))
		ours := strings.Contains(commandLine(pid), id) || (len(f) > 3 && in[f[3]])
		if ours && !in[pid] && pid != fmt.Sprint(os.Getpid()) {
			t.Errorf("process %s (%s) is not in %s", pid, commandLine(pid), box.Cgroup())
		}
	}
}

func commandLine(pid string) string {
	b, _ := os.ReadFile("/proc/" + pid + "/cmdline")
	return strings.ReplaceAll(string(b), "\x00", " ")
}

// traces lists everything of which a sandbox may leave some behind.
func traces(t *testing.T) string {
	t.Helper()
	var lines []string
	for _, pattern := range []string{"/sys/fs/cgroup/hapscope*", "/sys/fs/cgroup/hapscope/*", netns.Dir + "/*", stateDir + "/*/*", "/dev/shm/*/rootfs", "/dev/shm/*/upper"} {
		paths, _ := filepath.Glob(pattern)
		lines = append(lines, paths...)
	}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		lines = append(lines, "link "+l.Attrs().Name)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		if line := commandLine(filepath.Base(p)); strings.Contains(line, stateDir) {
			lines = append(lines, "process "+line)
		}
	}
	return strings.Join(lines, "\n") + "\n" + string(mounts)
}
