package vm

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hapscope/lab/image"
)

func TestCommand(t *testing.T) {
	m := machine{
		images:      &image.Set{Emulator: "/e", Kernel: "/k"},
		accelerator: TCG, cpus: 2, memoryMiB: 64, initramfs: "/i", console: "/c", socket: "/s",
		disks:  []disk{{"userland", "/a,b.ext4"}},
		shares: []Share{{Host: "/x", Guest: "/x"}, {Host: "/y", Guest: "/y", Writable: true}},
	}
	args := strings.Join(m.command().Args, " ")
	for _, want := range []string{
		"-no-reboot", "panic=-1", "-accel tcg,thread=multi", "-cpu EPYC,+svm,+npt", "-nic none",
		"readonly=on,file.locking=off,id=userland,file=/a,,b.ext4", "path=/x,readonly=on", "path=/y -device",
	} {
		if !strings.Contains(args, want) {
			t.Errorf("no %q in %s", want, args)
		}
	}
	m.accelerator = KVM
	if args := m.command().Args; !slices.Contains(args, "host") || !slices.Contains(args, "kvm") {
		t.Errorf("not for KVM: %s", args)
	}
}

func TestCheckGuestPath(t *testing.T) {
	for path, ok := range map[string]bool{
		"/": false, "/usr": false, "/usr/": false, "/proc/1": false, "relative": false, "/tmp": false,
		"/home/me": true, "/tmp/x": true, "/usr/src/x": true, "/lab/run": true,
	} {
		if err := CheckGuestPath(path); (err == nil) != ok {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestKill(t *testing.T) {
	p, err := startProcess(exec.Command("sleep", "1000"))
	if err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.kill() // twice is fine
	if p.err == nil {
		t.Error("a killed process has no error")
	}
	if _, err := startProcess(exec.Command("/no/such/qemu")); err == nil {
		t.Error("a missing QEMU is no error")
	}
}

func TestRundirSweep(t *testing.T) {
	base := t.TempDir()
	alive, err := newRundir(base)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := newRundir(base)
	if err != nil {
		t.Fatal(err)
	}
	dead.lock.Close() // what a death does
	old := filepath.Join(base, rundirPattern+"unlocked")
	if err := os.Mkdir(old, 0o755); err != nil {
		t.Fatal(err)
	}
	longAgo := time.Now().Add(-2 * rundirAge)
	if err := os.Chtimes(old, longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	sweep(base)
	for dir, want := range map[string]bool{alive.path: true, dead.path: false, old: false} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: %v", filepath.Base(dir), err)
		}
	}
	if err := alive.remove(); err != nil {
		t.Error(err)
	}
}
