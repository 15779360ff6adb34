//go:build lab

package shim_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
	"hapscope/internal/kernel/kvmguest"
	"hapscope/lab/cpio"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/containerd"
	"hapscope/runtimes/shim"
)

// TestMain makes the test's own program the process 1 of a guest whose agent never
// answers, and a containerd's stand-in.
func TestMain(m *testing.M) {
	if containerd.IsStandIn() {
		os.Exit(containerd.StandIn())
	}
	if os.Getpid() == 1 {
		for {
			time.Sleep(time.Hour)
		}
	}
	os.Exit(m.Run())
}

// hide takes a device away, as if its module were not there.
func hide(t *testing.T, device string) {
	t.Helper()
	if err := os.Rename(device, device+".hidden"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Rename(device+".hidden", device); err != nil {
			t.Error(err)
		}
	})
}

// configure gives the lab's shim a configuration with a text replaced, by a mount:
// it reads one path only.
func configure(t *testing.T, before, after string) {
	t.Helper()
	const path = "/lab/kata/configuration.toml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), before) == 0 {
		t.Fatalf("%s has no %q", path, before)
	}
	own := filepath.Join(t.TempDir(), "configuration.toml")
	shim.Write(t, own, strings.ReplaceAll(string(text), before, after), 0o644)
	if err := unix.Mount(own, path, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(path, 0); err != nil {
			t.Error(err)
		}
	})
}

const (
	labQEMU   = `"/usr/bin/qemu-system-x86_64"`
	labInitrd = `"/lab/kata/initrd.img"`
)

// silentGuest is an initrd whose process 1 sleeps.
func silentGuest(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "silent.img")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a := cpio.New(f)
	a.Dir("dev")
	a.Device("dev/console", 5, 1)
	if err := errors.Join(a.Add("init", cpio.ModeExec, "/proc/self/exe"), a.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// killMonitor kills it while the guest boots, which takes longer than that.
func killMonitor(ctx context.Context, dir string) {
	for ctx.Err() == nil {
		if _, err := shim.FindMonitor(dir); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(6 * time.Second) // it is a daemon by then: before, its parent would tell
	if pid, err := shim.FindMonitor(dir); err == nil {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// killContainerd kills the engine's while the guest boots.
func killContainerd(ctx context.Context, dir string) {
	for ctx.Err() == nil {
		if _, err := shim.FindMonitor(dir); err == nil {
			exec.Command("pkill", "-KILL", "-f", "^[^ ]*containerd --config /run/hapscope/").Run()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Everything that can go wrong with a virtual machine, with real parts: an error that
// says what and what to do, in time, and nothing is left.
func TestFailures(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, c := range []struct {
		name     string
		prepare  func(*testing.T)
		during   func(ctx context.Context, cgroup string)
		engine   shim.Engine   // nil: the direct one
		deadline time.Duration // 0: far beyond what the failure takes
		unmet    string        // what Check says
		err      string        // what Create says; empty where it might work
		remedy   string
	}{
		{name: "no KVM", prepare: func(t *testing.T) { hide(t, kvmguest.Device) }, unmet: kvmguest.Device, err: "KVM", remedy: "modprobe kvm_amd or kvm_intel"},
		// This generation would then take a serial line, without a word: that is another thing.
		{name: "no vhost-vsock", prepare: func(t *testing.T) { hide(t, shim.VhostVsock) }, unmet: shim.VhostVsock, remedy: "modprobe vhost_vsock"},
		{name: "no vhost-net", prepare: func(t *testing.T) { hide(t, shim.VhostNet) }, unmet: shim.VhostNet, err: "vhost-net", remedy: "modprobe vhost_net"},
		{name: "a monitor that is not there", prepare: func(t *testing.T) { configure(t, labQEMU, `"/none/qemu"`) }, unmet: "QEMU", err: "/none/qemu", remedy: "correct its path in /lab/kata/configuration.toml"},
		{name: "a monitor that fails", prepare: func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "qemu")
			shim.Write(t, path, "#!/bin/sh\necho no such machine >&2\nexit 1\n", 0o755)
			configure(t, labQEMU, `"`+path+`"`)
		}, err: "no such machine", remedy: "hapscope doctor"},
		{name: "a monitor that is killed", engine: containerd.New(containerd.Options{}), during: killMonitor, deadline: 25 * time.Second, err: shim.ErrMonitorGone.Error(), remedy: "dmesg"},
		{name: "an image that is none", prepare: func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "wrong.img")
			shim.Write(t, path, strings.Repeat("no archive at all\n", 1000), 0o644)
			configure(t, labInitrd, `"`+path+`"`)
		}, err: shim.ErrMonitorGone.Error(), remedy: "wrong.img one with Kata's agent"},
		{name: "a silent agent", prepare: func(t *testing.T) { configure(t, labInitrd, `"`+silentGuest(t)+`"`) },
			deadline: 20 * time.Second, err: "the agent in it has not answered", remedy: "silent.img one with Kata's agent"},
		{name: "a containerd that is killed", engine: containerd.New(containerd.Options{}), during: killContainerd, err: "containerd has gone", remedy: "containerd's log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.prepare != nil {
				c.prepare(t)
			}
			defer leavesNothing(t)()
			r := shim.New(shim.Flavours()[0], shim.Options{Engine: c.engine})
			defer prepare(t, r)()
			checkUnmet(t, r.Check(t.Context()), c.unmet, c.remedy)

			if c.err == "" {
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if c.deadline > 0 {
				ctx, cancel = context.WithTimeout(ctx, c.deadline)
				defer cancel()
			}
			root, err := cgroup.Root()
			if err != nil {
				t.Fatal(err)
			}
			if c.during != nil {
				go c.during(ctx, filepath.Join(root, shim.CgroupParent, "bad"))
			}
			start := time.Now()
			box, err := r.Create(ctx, newSpec(t, "bad", server()))
			if errors.Is(err, shim.ErrMonitorGone) && c.err != shim.ErrMonitorGone.Error() && c.during == nil {
				t.Log("once more, because the guest died by itself (docs/lab.md):", err)
				again, cancel := context.WithTimeout(t.Context(), cmp.Or(c.deadline, 2*time.Minute))
				defer cancel()
				ctx = again
				box, err = r.Create(ctx, newSpec(t, "bad", server()))
			}
			t.Logf("after %.1f s: %v\nremedy: %s", time.Since(start).Seconds(), err, runtimes.Remedy(err))
			if err == nil {
				box.Delete(ctx)
				t.Fatal("it was created")
			}
			if !strings.Contains(err.Error(), c.err) {
				t.Errorf("the error lacks %q", c.err)
			}
			if got := runtimes.Remedy(err); got == "" || c.unmet == "" && !strings.Contains(got, c.remedy) {
				t.Errorf("remedy %q, want %q in it", got, c.remedy)
			}
			if c.deadline == 0 && ctx.Err() != nil {
				t.Error("it took until the deadline")
			}
		})
	}
}

// checkUnmet wants the one requirement unmet, or all of them met.
func checkUnmet(t *testing.T, info record.VariantInfo, name, remedy string) {
	t.Helper()
	unmet := record.Unmet(info.Requirements)
	if name == "" && len(unmet) > 0 {
		t.Errorf("unmet: %+v", unmet)
	}
	if name != "" && (len(unmet) != 1 || unmet[0].Name != name || !strings.Contains(unmet[0].Remedy, remedy)) {
		t.Errorf("unmet: %+v, want %s", unmet, name)
	}
}
