package shim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadConfig(t *testing.T) {
	for name, want := range map[string]Config{
		"qemu.toml": {
			Table: "qemu", Monitor: "DIR/qemu-system-x86_64", Kernel: "DIR/vmlinuz.container", Image: "DIR/kata-containers.img",
			Machine: "q35", SharedFS: "virtio-fs", FileServer: "DIR/virtiofsd", VHostNet: true, Network: "tcfilter", OneCgroup: true,
		},
		"qemu-1.toml": {
			Table: "qemu", Monitor: "DIR/qemu-system-x86_64", Kernel: "DIR/vmlinuz.container", Initrd: "DIR/kata-containers-initrd.img",
			Machine: "pc", SharedFS: "virtio-9p", Vsock: true, Network: "macvtap",
		},
		"clh.toml": {
			Table: "clh", Monitor: "DIR/cloud-hypervisor", Kernel: "DIR/vmlinux.container", Image: "DIR/kata-containers.img",
			SharedFS: "virtio-fs", FileServer: "DIR/virtiofsd", VHostNet: true, Network: "tcfilter", OneCgroup: true,
		},
		"fc.toml": {
			Table: "firecracker", Monitor: "DIR/firecracker", Jailer: "DIR/jailer", Kernel: "DIR/vmlinux.container", Image: "DIR/kata-containers.img",
			VHostNet: true, Network: "tcfilter", OneCgroup: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			want.Path = filepath.Join("testdata", name)
			got, err := readConfig(want.Path, true)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Parts change single keys of a table and leave the others; the last has its way.
func TestConfigParts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"configuration.toml": "[hypervisor.qemu]\npath = '/a'\nkernel = '/k'\n[runtime]\nsandbox_cgroup_only = false\n",
		"config.d/10-path":   "[hypervisor.qemu]\npath = '/b'\n",
		"config.d/20-path":   "[hypervisor.qemu]\npath = '/c'\n[runtime]\nsandbox_cgroup_only = true\n",
	} {
		write(t, filepath.Join(dir, name), text, 0o644)
	}
	c, err := readConfig(filepath.Join(dir, "configuration.toml"), true)
	if err != nil || c.Monitor != "/c" || c.Kernel != "/k" || !c.OneCgroup || len(c.Parts) != 2 {
		t.Errorf("got %+v, %v", c, err)
	}
	if c, err := readConfig(filepath.Join(dir, "configuration.toml"), false); err != nil || c.Monitor != "/a" {
		t.Errorf("without parts: got %+v, %v", c, err)
	}
	write(t, filepath.Join(dir, "config.d/30-bad"), "[hypervisor.qemu\n", 0o644)
	if _, err := readConfig(filepath.Join(dir, "configuration.toml"), true); err == nil || !strings.Contains(err.Error(), "30-bad") {
		t.Errorf("a broken part: %v", err)
	}
}

func TestParseConfigErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no TOML":       {"[hypervisor.qemu\n", "line 1, column"},
		"no hypervisor": {"[runtime]\n", "no table [hypervisor.NAME]"},
		"two":           {"[hypervisor.qemu]\n[hypervisor.clh]\n", "several hypervisors (clh, qemu)"},
		"wrong type":    {"[hypervisor.qemu]\nuse_vsock = 'yes'\n", "hypervisor.qemu.use_vsock"},
		"no table":      {"hypervisor = 3\n", "hypervisor"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseConfig([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q in it", err, c.want)
			}
		})
	}
	c, err := parseConfig([]byte("[hypervisor.qemu]\n[hypervisor.clh]\npath = '/clh'\n[runtime]\nhypervisor_name = 'clh'\n"))
	if err != nil || c.Monitor != "/clh" {
		t.Errorf("chosen by name: %+v, %v", c, err)
	}
}

func FuzzParseConfig(f *testing.F) {
	names, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, []byte("[hypervisor.qemu]\npath = '/other'\n"))
	}
	f.Fuzz(func(t *testing.T, text, part []byte) {
		c, err := parseConfig(text, part)
		if (c == nil) == (err == nil) {
			t.Errorf("got %+v and %v", c, err)
		}
	})
}

// write writes a file and the directories above it.
func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
