package nabla

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/netns"
	"hapscope/runtimes/unikernel/unikerneltest"
)

// fits skips a test where sandboxes cannot be made. They can in the lab, always.
func fits(t *testing.T) {
	t.Helper()
	_, err := cgroup.Root()
	if os.Geteuid() != 0 {
		err = errors.New("not root")
	}
	if err = errors.Join(err, netns.CheckTap()); err != nil {
		if mustFit {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// tender returns a runtime of a variant whose tender is the stand-in.
func tender(t *testing.T, variant string) *Runtime {
	t.Helper()
	for _, f := range Flavours() {
		if f.Variant == variant {
			path := filepath.Join(t.TempDir(), f.Binary)
			self, err := os.Executable()
			if err == nil {
				err = os.Symlink(self, path)
			}
			if err != nil {
				t.Fatal(err)
			}
			return New(f, Options{Path: path})
		}
	}
	t.Fatalf("no variant %s", variant)
	return nil
}

// script returns a runtime whose tender is a shell script.
func script(t *testing.T, variant, text string) *Runtime {
	r := tender(t, variant)
	r.options.Path = filepath.Join(t.TempDir(), "tender")
	if err := os.WriteFile(r.options.Path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

// files are a unikernel that says that it is for the variant, and what goes with it.
func files(t *testing.T, r *Runtime) *record.Unikernel {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(disk, make([]byte, 512), 0o600); err != nil {
		t.Fatal(err)
	}
	u := &record.Unikernel{Disk: disk, Args: []string{"--ipv4={address}/{mask}", "x y"}}
	devices := []unikerneltest.Device{{Name: "service", Type: 2}, {Name: "storage", Type: 1}}
	if r.flavour.Kind.Rumprun {
		u.Args, devices = []string{`{"cmdline":"x","net":{"if":"ukvmif0","addr":"{address}","mask":"{mask}","gw":"{gateway}"}}`}, nil
	}
	u.Image = unikerneltest.Write(t, "u.nabla", elf.EM_X86_64, uint32(r.flavour.Kind.Target), devices...)
	return u
}

func spec(t *testing.T, u *record.Unikernel) runtimes.Spec {
	return runtimes.Spec{ID: "nabla-test", Unikernel: u, Scratch: t.TempDir()}
}

// left lists everything of which a sandbox may leave some behind.
func left(t *testing.T) string {
	t.Helper()
	root, err := cgroup.Root()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, pattern := range []string{root + "/hapscope/nabla-test*", netns.Dir + "/nabla-test*"} {
		paths, _ := filepath.Glob(pattern)
		lines = append(lines, paths...)
	}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if name := l.Attrs().Name; name == netns.LinkName("nabla-test") || name == netns.Tap {
			lines = append(lines, "link "+name)
		}
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range processes {
		if b, _ := os.ReadFile(p); strings.Contains(string(b), "\x00--net") && strings.Contains(string(b), t.Name()) {
			lines = append(lines, "process "+string(b))
		}
	}
	return strings.Join(lines, "\n")
}

// say sends words to the stand-in and waits for its echo.
func say(ctx context.Context, box runtimes.Sandbox, words string) error {
	c, err := net.Dial("udp", box.Address()+":7")
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, 100)
	for {
		if _, err := c.Write([]byte(words)); err != nil {
			return err
		}
		c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if n, err := c.Read(b); err == nil && string(b[:n]) == words {
			return nil
		}
		if err := errors.Join(box.Running(ctx), ctx.Err()); err != nil {
			return err
		}
	}
}

// The life of a sandbox, on a locked thread as the driver does it.
func TestLife(t *testing.T) {
	fits(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, f := range Flavours() {
		t.Run(f.Variant, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := tender(t, f.Variant)
			tools, err := r.Tools(ctx)
			if err != nil || len(tools) != 1 || len(tools[0].SHA256) != 64 {
				t.Errorf("Tools = %+v, %v", tools, err)
			}
			home, _ := os.Readlink("/proc/thread-self/ns/net")
			u := files(t, r)
			s := spec(t, u)
			box, err := r.Create(ctx, s)
			if err != nil {
				t.Fatal(err)
			}
			defer box.Delete(ctx)
			if pids, err := cgroup.Processes(box.Cgroup()); err != nil || len(pids) != 0 {
				t.Errorf("before the start %v run, %v", pids, err)
			}
			if err := box.Start(ctx); err != nil {
				t.Fatal(err)
			}
			if err := say(ctx, box, "sixteen letters!"); err != nil {
				t.Fatal(err)
			}
			if now, _ := os.Readlink("/proc/thread-self/ns/net"); now != home {
				t.Errorf("the thread is in %s, was in %s", now, home)
			}
			pids, err := cgroup.Processes(box.Cgroup())
			if err != nil || len(pids) != 1 {
				t.Fatalf("in the cgroup: %v, %v", pids, err)
			}
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pids[0]))
			if !strings.Contains(string(status), "Seccomp:\t2\n") {
				t.Errorf("no filter was installed:\n%s", status)
			}
			if there, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pids[0])); there == home {
				t.Error("it is in the test's network namespace")
			}
			if out := box.Output(); !strings.Contains(out, box.Address()) || strings.Contains(out, "{") && !f.Kind.Rumprun {
				t.Errorf("Output = %q", out)
			}
			// Each sandbox writes to its own copy of the disk.
			copied, _ := os.ReadFile(filepath.Join(s.Scratch, "disk"))
			given, _ := os.ReadFile(u.Disk)
			if !strings.HasPrefix(string(copied), "sixteen letters!") || strings.Trim(string(given), "\x00") != "" {
				t.Errorf("the disk holds %.16q, the one that was given %.16q", copied, given)
			}
			for range 2 {
				if err := box.Delete(ctx); err != nil {
					t.Error(err)
				}
			}
			if err := box.Running(ctx); err == nil {
				t.Error("a deleted sandbox runs")
			}
			if l := left(t); l != "" {
				t.Errorf("left behind:\n%s", l)
			}
			if l, _ := os.ReadDir(s.Scratch); len(l) != 0 {
				t.Errorf("left in the scratch directory: %v", l)
			}
		})
	}
}

// Whatever goes wrong is said, and nothing is left.
func TestFaults(t *testing.T) {
	fits(t)
	broken := func(change func(*record.Unikernel)) func(*testing.T, *Runtime) *record.Unikernel {
		return func(t *testing.T, r *Runtime) *record.Unikernel {
			u := files(t, r)
			change(u)
			return u
		}
	}
	for name, c := range map[string]struct {
		variant, script string // of the tender; the stand-in where it is ""
		files           func(*testing.T, *Runtime) *record.Unikernel
		before          func(*testing.T, *sandbox) // done before the start
		want            string
	}{
		"dies at once": {"nabla-raw", "echo the disk is full >&2; exit 7\n", files, nil, "exit status 7; its last output:\nthe disk is full"},
		"says nothing": {"nabla-raw", "exit 0\n", files, nil, "exit status 0; without any output"},
		"forbidden":    {"solo5-spt", "", broken(func(u *record.Unikernel) { u.Args = append(u.Args, dieAfter) }), nil, "a system call that its filter does not allow"},
		"no program":   {"nabla-raw", "#!/nowhere\n", files, func(t *testing.T, s *sandbox) { s.path = "/nowhere" }, "start /nowhere: "},
		"tap in use":   {"nabla-raw", "", files, hold, "could not attach interface: tap0: device or resource busy"},
		"malformed":    {"nabla-raw", "", broken(func(u *record.Unikernel) { u.Args = []string{`{"net":{"addr":"{address}"`} }), nil, "args: the argument is no JSON"},
		"none":         {"nabla-raw", "", func(*testing.T, *Runtime) *record.Unikernel { return nil }, nil, "none is named"},
		"other tender": {"solo5-spt", "", func(t *testing.T, _ *Runtime) *record.Unikernel { return files(t, tender(t, "solo5-hvt")) }, nil, "was built for solo5-hvt, want solo5-spt"},
		"other machine": {"nabla-raw", "", broken(func(u *record.Unikernel) {
			u.Image = unikerneltest.Write(t, "u.nabla", elf.EM_AARCH64, 0)
		}), nil, "is for the machine EM_AARCH64"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := tender(t, c.variant)
			if c.script != "" {
				r = script(t, c.variant, c.script)
			}
			err := live(ctx, r, spec(t, c.files(t, r)), func(s *sandbox) {
				if c.before != nil {
					c.before(t, s)
				}
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q in it", err, c.want)
			}
			if l := left(t); l != "" {
				t.Errorf("left behind:\n%s", l)
			}
		})
	}
}

// live takes a sandbox as far as it gets.
func live(ctx context.Context, r *Runtime, s runtimes.Spec, before func(*sandbox)) (err error) {
	box, err := r.Create(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.Delete(ctx)) }()
	before(box.(*sandbox))
	if err := box.Start(ctx); err != nil {
		return err
	}
	for { // until it ends
		if err := say(ctx, box, "sixteen letters!"); err != nil {
			return err
		}
	}
}

// hold has the sandbox's tap open while the test goes on.
func hold(t *testing.T, s *sandbox) {
	var fd int
	err := s.net.Do(func() (err error) {
		fd, err = attach(netns.Tap)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
}

// A sandbox is not made twice, and the second does not take the first away.
func TestTwice(t *testing.T) {
	fits(t)
	r := tender(t, "nabla-raw")
	box, err := r.Create(t.Context(), spec(t, files(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	defer box.Delete(t.Context())
	if _, err := r.Create(t.Context(), spec(t, files(t, r))); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("err = %v", err)
	}
	if l := left(t); !strings.Contains(l, netns.Dir) {
		t.Errorf("of the first there is only %q", l)
	}
}

func TestMissingTender(t *testing.T) {
	for _, f := range Flavours() {
		info := New(f, Options{Path: "/nowhere/" + f.Binary}).Check(t.Context())
		if q := info.Requirements[0]; info.Fit() || q.Met || q.Remedy == "" || info.Engine != record.EngineRaw {
			t.Errorf("%s: %+v", f.Variant, info)
		}
	}
	// Something else under its name.
	if q := script(t, "nabla-raw", "echo hello\n").Check(t.Context()).Requirements[0]; q.Met || !strings.Contains(q.Detail, "it is no nabla-run") {
		t.Errorf("requirement %+v", q)
	}
}
