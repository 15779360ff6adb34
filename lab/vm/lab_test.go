//go:build lab

package vm_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hapscope/lab/image"
	"hapscope/lab/vm"
)

// These tests boot real machines on this host, with HAPSCOPE as the agent (a
// static hapscope binary), or one that they build.

func agent(t *testing.T) string {
	t.Helper()
	if name := os.Getenv("HAPSCOPE"); name != "" {
		return name
	}
	name := filepath.Join(t.TempDir(), "hapscope")
	cmd := exec.Command("go", "build", "-o", name, "hapscope")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the agent: %v\n%s", err, out)
	}
	return name
}

func boot(t *testing.T, o vm.Options) *vm.VM {
	t.Helper()
	set, err := image.Ensure(t.Context(), image.Options{Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	o.Images, o.Agent, o.Progress = set, agent(t), t.Output()
	t.Setenv("TMPDIR", t.TempDir()) // what this machine leaves is told from what others do
	v, err := vm.Boot(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// run runs a shell line.
func run(t *testing.T, v *vm.VM, line string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code, err := v.Run(t.Context(), vm.Command{Args: []string{"sh", "-c", line}, Stdout: &out, Stderr: &errs})
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return code, out.String(), errs.String()
}

func TestMachine(t *testing.T) {
	shared := t.TempDir()
	readonly := t.TempDir()
	if err := os.WriteFile(filepath.Join(readonly, "in"), []byte("from the host"), 0o644); err != nil {
		t.Fatal(err)
	}
	v := boot(t, vm.Options{Shares: []vm.Share{
		{Host: shared, Guest: "/share", Writable: true},
		{Host: readonly, Guest: "/given"},
	}})

	t.Run("exit codes and streams", func(t *testing.T) {
		for line, want := range map[string]int{"true": 0, "exit 7": 7, "kill -9 $$": 137, "nosuchcommand": 127} {
			if code, _, _ := run(t, v, line); code != want {
				t.Errorf("%s: exit code %d, want %d", line, code, want)
			}
		}
		_, out, errs := run(t, v, "echo a; echo b >&2")
		if out != "a\n" || errs != "b\n" {
			t.Errorf("stdout %q, stderr %q", out, errs)
		}
		if code, err := v.Run(t.Context(), vm.Command{Args: []string{"no/such/program"}}); code != 127 || err == nil {
			t.Errorf("a program that is not there: code %d, error %v", code, err)
		}
	})

	t.Run("large input and output", func(t *testing.T) {
		in := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16) // 1 MiB
		var out bytes.Buffer
		if _, err := v.Run(t.Context(), vm.Command{Args: []string{"cat"}, Stdin: bytes.NewReader(in), Stdout: &out}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(in, out.Bytes()) {
			t.Errorf("cat gave %d bytes back of %d", out.Len(), len(in))
		}
	})

	t.Run("a command that ignores its input", func(t *testing.T) {
		code, err := v.Run(t.Context(), vm.Command{Args: []string{"true"}, Stdin: bytes.NewReader(make([]byte, 4<<20))})
		if code != 0 || err != nil {
			t.Errorf("code %d, error %v", code, err)
		}
	})

	t.Run("terminal", func(t *testing.T) {
		var out bytes.Buffer
		code, err := v.Run(t.Context(), vm.Command{Args: []string{"sh", "-c", "tty && exit 3"}, TTY: true, Stdout: &out})
		if code != 3 || err != nil || !strings.HasPrefix(out.String(), "/dev/pts/") {
			t.Errorf("code %d, error %v, said %q", code, err, out.String())
		}
	})

	t.Run("shares", func(t *testing.T) {
		// Appending, syncing and replacing are how a record is written; the
		// host has to see each at once.
		steps := []struct{ line, file, want string }{
			{"echo 1 >> /share/log && sync /share/log", "log", "1\n"},
			{"echo 2 >> /share/log", "log", "1\n2\n"},
			{"echo new > /share/tmp && sync /share/tmp && mv /share/tmp /share/log", "log", "new\n"},
			{"flock /share/lock sh -c 'echo locked > /share/held'", "held", "locked\n"},
			{"cat /given/in > /share/copy", "copy", "from the host"},
		}
		for _, s := range steps {
			if code, _, errs := run(t, v, s.line); code != 0 {
				t.Fatalf("%s: exit code %d: %s", s.line, code, errs)
			}
			got, err := os.ReadFile(filepath.Join(shared, s.file))
			if err != nil || string(got) != s.want {
				t.Errorf("after %q the host reads %q (%v), want %q", s.line, got, err, s.want)
			}
		}
		if err := os.WriteFile(filepath.Join(shared, "late"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if code, _, _ := run(t, v, "test -f /share/late"); code != 0 {
			t.Error("the guest does not see what the host wrote later")
		}
		if code, _, _ := run(t, v, "touch /given/x"); code == 0 {
			t.Error("a read-only share could be written to")
		}
	})

	t.Run("what sandboxes and tracers need", func(t *testing.T) {
		for _, line := range []string{
			"grep -qw function /sys/kernel/tracing/available_tracers",
			"grep -qw memory /sys/fs/cgroup/cgroup.subtree_control",
			"test -c /dev/kvm",
			"lsmod | grep -q ^veth && lsmod | grep -q ^overlay && lsmod | grep -q ^vhost_net",
			"runsc --version && runc --version && crun --version",
			"ip link show lo | grep -q UP",
			"test $(hostname) = lab",
			"test -c /dev/null && test -c /dev/ptmx && mountpoint -q /tmp",
		} {
			if code, out, errs := run(t, v, line); code != 0 {
				t.Errorf("%s: exit code %d: %s%s", line, code, out, errs)
			}
		}
	})

	t.Run("cancelling sends an interrupt", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		out := &notify{want: "ready", found: cancel}
		code, err := v.Run(ctx, vm.Command{
			Args:   []string{"sh", "-c", "trap 'echo cleaned up; exit 9' INT; echo ready; while :; do sleep 0.2; done"},
			Stdout: out,
		})
		if code != 9 || !errors.Is(err, context.Canceled) || !strings.Contains(out.String(), "cleaned up") {
			t.Errorf("code %d, error %v, said %q", code, err, out.String())
		}
	})

	t.Run("facts", func(t *testing.T) {
		f := v.Facts()
		if f.Why == "" || !strings.Contains(f.Emulator, "QEMU emulator version 10.") || len(f.Packages) == 0 {
			t.Errorf("incomplete facts: %q, %q, %d packages", f.Why, f.Emulator, len(f.Packages))
		}
	})

	t.Run("a panic ends it and leaves nothing", func(t *testing.T) {
		_, err := v.Run(t.Context(), vm.Command{Args: []string{"sh", "-c", "echo c > /proc/sysrq-trigger; sleep 1000"}})
		var died *vm.DiedError
		if !errors.As(err, &died) || !errors.Is(err, vm.ErrDied) || !died.Panicked() || !strings.Contains(err.Error(), "sysrq triggered crash") {
			t.Errorf("a panic gives %v", err)
		}
		if _, err := v.Run(t.Context(), vm.Command{Args: []string{"true"}}); !errors.Is(err, vm.ErrDied) {
			t.Errorf("running in a dead machine gives %v", err)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		nothingLeft(t, v.PID())
	})
}

// nothingLeft looks for QEMU and for directories of machines.
func nothingLeft(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("QEMU %d still runs", pid)
		}
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "hapscope-lab-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// notify calls found when the output contains want. It does not embed the
// buffer, whose ReadFrom would be used instead of Write.
type notify struct {
	buffer bytes.Buffer
	want   string
	found  func()
}

func (n *notify) String() string { return n.buffer.String() }

func (n *notify) Write(b []byte) (int, error) {
	n.buffer.Write(b)
	if n.found != nil && strings.Contains(n.String(), n.want) {
		n.found()
		n.found = nil
	}
	return len(b), nil
}
