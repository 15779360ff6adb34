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

// TestNoWayOut holds the command line to what docs/security.md says of a machine: no
// network, no monitor, no display; disks that are read-only; one socket in the machine's
// own directory; directories that are shared, and no more of them writable than asked for.
func TestNoWayOut(t *testing.T) {
	m := machine{
		images: &image.Set{Emulator: "/e", Kernel: "/k"}, cpus: 1, memoryMiB: 64, initramfs: "/run/m/i", console: "/run/m/c", socket: "/run/m/s",
		disks:  []disk{{"userland", "/u.ext4"}, {"kata", "/k,readonly=off.ext4"}},
		shares: []Share{{Host: "/x,security_model=mapped,writeout=immediate", Guest: "/x"}, {Host: "/y", Guest: "/y", Writable: true}, {Host: "/z", Guest: "/z"}},
	}
	for _, accelerator := range []string{KVM, TCG} {
		m.accelerator = accelerator
		args := m.command().Args
		writable := 0
		for i := 0; i < len(args); i++ {
			value := ""
			if i+1 < len(args) {
				value = args[i+1]
			}
			device, _, _ := strings.Cut(value, ",")
			// As QEMU takes it: a doubled comma is one that separates nothing.
			options := strings.Split(strings.ReplaceAll(value, ",,", "\x00"), ",")
			switch args[i] {
			case "-device":
				if !slices.Contains([]string{"virtio-blk-pci", "virtio-serial-pci", "virtserialport", "virtio-9p-pci"}, device) {
					t.Errorf("the machine has a %s", device)
				}
			case "-drive":
				if !slices.Contains(options, "readonly=on") || slices.Contains(options, "readonly=off.ext4") {
					t.Errorf("a disk that can be written: %s", value)
				}
			case "-chardev":
				if !slices.Contains(options, "socket") && device != "socket" || !slices.Contains(options, "path=/run/m/s") {
					t.Errorf("a way out: %s", value)
				}
			case "-fsdev":
				if !slices.Contains(options, "readonly=on") {
					writable++
				}
				if slices.Contains(options, "security_model=mapped") {
					t.Errorf("the name of a directory became an option: %s", value)
				}
			case "-serial":
				if value != "file:/run/m/c" {
					t.Errorf("a way out: %s", value)
				}
			case "-netdev", "-net", "-monitor", "-qmp", "-mon", "-vnc", "-spice", "-display", "-virtfs", "-usb", "-usbdevice", "-parallel", "-gdb", "-s", "-incoming":
				t.Errorf("the machine has %s %s", args[i], value)
			case "-nic":
				if value != "none" {
					t.Errorf("the machine has a network: %s", value)
				}
			}
		}
		if !slices.Contains(args, "-nodefaults") || !slices.Contains(args, "-nic") {
			t.Error("the machine has what QEMU gives by itself")
		}
		if writable != 1 {
			t.Errorf("%d shares can be written, one was asked for", writable)
		}
	}
}

// What others have put where machines keep their directories is not touched.
func TestSweepKeepsToItsOwn(t *testing.T) {
	base, elsewhere := t.TempDir(), t.TempDir()
	file := filepath.Join(elsewhere, rundirLock)
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	longAgo := time.Now().Add(-2 * rundirAge)
	os.Chtimes(elsewhere, longAgo, longAgo)
	if err := os.Symlink(elsewhere, filepath.Join(base, rundirPattern+"link")); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(base, rundirPattern+"foreign")
	if err := os.Mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(foreign, longAgo, longAgo)
	want := []string{file}
	if os.Geteuid() == 0 { // who alone can give a directory away
		if err := os.Chown(foreign, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		want = append(want, foreign)
	}
	sweep(base)
	for _, path := range want {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
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
	p, err := startProcess(t.Context(), exec.Command("sleep", "1000"))
	if err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.kill() // twice is fine
	if p.err == nil {
		t.Error("a killed process has no error")
	}
	if _, err := startProcess(t.Context(), exec.Command("/no/such/qemu")); err == nil {
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
