//go:build lab

// Package workloads_test runs every workload against its real server, from
// the image of the lab, without a sandbox around it.
package workloads_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/workloads"
	"hapscope/workloads/load"
	"hapscope/workloads/node"
	"hapscope/workloads/python"
	"hapscope/workloads/redis"
)

const image = "/lab/rootfs"

// requests of each load: many more than there are connections.
const requests = 100

func TestServers(t *testing.T) {
	for _, w := range []workloads.Workload{redis.Set(), redis.Get(), python.Tornado(), node.Express()} {
		t.Run(w.Name(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			output := start(t, w)
			began := time.Now()
			c := ready(t, ctx, w, output)
			defer c.Close()
			t.Logf("ready after %.2f s", time.Since(began).Seconds())

			if p, ok := c.(workloads.Preparer); ok {
				if err := p.Prepare(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if w.Name() == "node-express" {
				// Longer than Node's 5 s for idle connections: the pause before the
				// steady phase must not cost the connection.
				time.Sleep(6 * time.Second)
			}
			established := connections(t)
			result, err := load.Paced(ctx, c, load.Options{Requests: requests, Rate: 100})
			if err != nil || result.Correct != requests {
				t.Fatalf("paced: %+v, %v; output: %s", result, err, output)
			}
			t.Logf("paced: %+v", result)
			if now := connections(t); now != established || now != 1 {
				t.Errorf("%d connections became %d, want 1", established, now)
			}
			saturating := load.Options{Requests: requests, Connections: 4, Dial: func(ctx context.Context) (workloads.Client, error) {
				return w.Dial(ctx, "127.0.0.1")
			}}
			result, err = load.Saturate(ctx, c, saturating)
			if err != nil || result.Correct != requests {
				t.Fatalf("saturating: %+v, %v; output: %s", result, err, output)
			}
			t.Logf("saturating: %+v", result)
			if v, ok := c.(workloads.Verifier); ok {
				if err := v.Verify(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// start runs the workload's server in a root file system of its own.
func start(t *testing.T, w workloads.Workload) *bytes.Buffer {
	p := w.Process()
	dir, err := os.MkdirTemp("/dev/shm", "hapscope-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	root := filepath.Join(dir, "root")
	for _, d := range []string{root, dir + "/upper", dir + "/work"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount := func(source, target, kind string, flags uintptr, data string) {
		if err := unix.Mount(source, target, kind, flags, data); err != nil {
			t.Fatalf("mount %s: %v", target, err)
		}
		t.Cleanup(func() { unix.Unmount(target, unix.MNT_DETACH) })
	}
	mount("overlay", root, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", image, dir, dir))
	mount("proc", root+"/proc", "proc", 0, "")
	mount("/dev", root+"/dev", "", unix.MS_BIND, "")
	for path, content := range p.Files {
		if err := os.MkdirAll(filepath.Dir(root+path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	output := new(bytes.Buffer)
	c := &exec.Cmd{Path: p.Args[0], Args: p.Args, Env: p.Env, Dir: p.Cwd, Stdout: output, Stderr: output,
		SysProcAttr: &syscall.SysProcAttr{Chroot: root}}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		if t.Failed() {
			t.Logf("output: %s", output)
		}
	})
	return output
}

func ready(t *testing.T, ctx context.Context, w workloads.Workload, output *bytes.Buffer) workloads.Client {
	for {
		c, err := w.Dial(ctx, "127.0.0.1")
		if err == nil {
			if err = c.Do(ctx, 0); err == nil {
				return c
			}
			c.Close()
		}
		if ctx.Err() != nil {
			t.Fatalf("never ready: %v; output: %s", err, output)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// connections counts those established to ports of the workloads.
func connections(t *testing.T) (n int) {
	b, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range bytes.Split(b, []byte("\n")) {
		f := bytes.Fields(line)
		if len(f) < 4 || string(f[3]) != "01" { // TCP_ESTABLISHED
			continue
		}
		_, port, _ := net.SplitHostPort(string(f[2])) // the remote end, in hexadecimal
		if port == "18EB" || port == "1F90" {         // 6379, 8080
			n++
		}
	}
	return n
}
