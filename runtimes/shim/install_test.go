package shim

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hapscope/record"
)

func TestParseVersion(t *testing.T) {
	for out, want := range map[string]string{
		"Kata Containers containerd shim: id: \"io.containerd.kata.v2\", version: 1.13.0-alpha0, commit: \n":              "1.13.0-alpha0 (Kata 1, shim in Go)",
		"Kata Containers containerd shim (Golang): id: \"io.containerd.kata.v2\", version: 3.20.0, commit: 0a1b\n":        "3.20.0 (Kata 3, shim in Go)",
		"Kata Containers containerd shim (Rust): id: io.containerd.kata.v2, version: 4.1.0, commit: 0a1b\n":               "4.1.0 (Kata 4, shim in Rust)",
		"warning\nKata Containers containerd shim: id: \"io.containerd.kata.v2\", version: 2.5.2, commit: \"0a1b-dirty\"": "2.5.2 (Kata 2, shim in Go)",
	} {
		if got, err := parseVersion(out); err != nil || got.String() != want {
			t.Errorf("parseVersion(%q) = %v, %v, want %s", out, got, err, want)
		}
	}
	for _, out := range []string{"", "version: ", "version: unknown, commit: x", "version: 0.1, commit"} {
		if v, err := parseVersion(out); err == nil {
			t.Errorf("parseVersion(%q) = %v", out, v)
		}
	}
}

// machine is a directory with what a machine may have of Kata.
type machine struct {
	*testing.T
	dir string
}

func newMachine(t *testing.T) machine { return machine{t, t.TempDir()} }

// flavour is one whose places are in the machine.
func (m machine) flavour(variant string) Flavour {
	for _, f := range Flavours() {
		if f.Variant != variant {
			continue
		}
		for _, places := range [][]string{f.Shims, f.ConfigDirs} {
			for i := range places {
				places[i] = m.path(places[i])
			}
		}
		return f
	}
	m.Fatalf("no variant %s", variant)
	return Flavour{}
}

func (m machine) path(path string) string { return filepath.Join(m.dir, path) }

func (m machine) shim(path, language, version string) {
	write(m.T, m.path(path), "#!/bin/sh\n[ \"$*\" = --version ] && echo 'Kata Containers containerd shim"+language+": id: io.containerd.kata.v2, version: "+version+", commit: '\n", 0o755)
}

// config installs a file of testdata and what it names.
func (m machine) config(path, name string) {
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		m.Fatal(err)
	}
	write(m.T, m.path(path), strings.ReplaceAll(string(text), "DIR", m.path("files")), 0o644)
	for _, line := range strings.Split(string(text), "\n") {
		if _, file, ok := strings.Cut(line, `"DIR/`); ok {
			write(m.T, m.path("files/"+strings.TrimSuffix(file, `"`)), "#!/bin/sh\necho version 9\n", 0o755)
		}
	}
}

const (
	opt  = "/opt/kata/bin/" + binary
	rust = "/opt/kata/runtime-rs/bin/" + binary
	conf = "/opt/kata/share/defaults/kata-containers/"
)

func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		variant string
		install func(machine)
		shim    string
		config  string
		err     string
	}{
		"nothing":       {"kata-qemu", func(machine) {}, "", "", "no " + binary},
		"a shim only":   {"kata-clh", func(m machine) { m.shim(opt, "", "2.5.0") }, opt, "", "no configuration for Cloud Hypervisor in"},
		"a broken shim": {"kata-clh", func(m machine) { write(m.T, m.path(opt), "#!/bin/sh\nexit 3\n", 0o755) }, opt, "", "--version: exit status 3"},
		"its own configuration": {"kata-clh", func(m machine) {
			m.shim(opt, " (Golang)", "3.20.0")
			m.config(conf+"configuration.toml", "qemu.toml")
			m.config(conf+"configuration-clh.toml", "clh.toml")
		}, opt, conf + "configuration-clh.toml", ""},
		"a plain one": {"kata-fc", func(m machine) {
			m.shim(opt, " (Golang)", "3.20.0")
			m.config("/etc/kata-containers/configuration.toml", "fc.toml")
			m.config(conf+"configuration-fc.toml", "fc.toml")
		}, opt, "/etc/kata-containers/configuration.toml", ""},
		"a plain one of another": {"kata-fc", func(m machine) {
			m.shim(opt, " (Golang)", "3.20.0")
			m.config("/etc/kata-containers/configuration.toml", "qemu.toml")
		}, opt, "", "configuration.toml (qemu)"},
		"Kata 1 takes the first": {"kata-qemu", func(m machine) {
			m.shim("/usr/bin/"+binary, "", "1.12.0")
			m.config("/etc/kata-containers/configuration.toml", "fc.toml")
			m.config("/usr/share/defaults/kata-containers/configuration-qemu.toml", "qemu-1.toml")
			m.config("/usr/share/defaults/kata-containers/configuration.toml", "qemu-1.toml")
		}, "/usr/bin/" + binary, "", "configuration.toml (firecracker)"},
		"the Rust shim where only it has one": {"kata-clh", func(m machine) {
			m.shim(opt, " (Golang)", "4.1.0")
			m.shim(rust, " (Rust)", "4.1.0")
			m.config(conf+"configuration-qemu.toml", "qemu.toml")
			m.config(conf+"runtime-rs/configuration-clh-runtime-rs.toml", "clh.toml")
		}, rust, conf + "runtime-rs/configuration-clh-runtime-rs.toml", ""},
		"a file that is none": {"kata-qemu", func(m machine) {
			m.shim(opt, " (Golang)", "3.20.0")
			write(m.T, m.path("/etc/kata-containers/configuration-qemu.toml"), "what?", 0o644)
		}, opt, "", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.install(m)
			in, err := find(t.Context(), m.flavour(c.variant))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("err = %v, want %q", err, c.err)
			}
			if (err != nil && c.shim == "") != errors.Is(err, errNoShim) {
				t.Errorf("err = %v", err)
			}
			if in.shim != "" && in.shim != m.path(c.shim) || in.shim == "" && c.shim != "" {
				t.Errorf("shim %s, want %s", in.shim, c.shim)
			}
			if c.config != "" && in.config.Path != m.path(c.config) {
				t.Errorf("configuration %s, want %s", in.config.Path, c.config)
			}
		})
	}
}

// Whatever is missing is said, with what to do about it.
func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		variant string
		install func(machine)
		unmet   string // a requirement
		remedy  string
	}{
		"nothing":       {"kata-clh", func(machine) {}, binary, "install Kata Containers with Cloud Hypervisor"},
		"no config":     {"kata-qemu", func(m machine) { m.shim(opt, "", "3.0.0") }, "configuration of Kata for QEMU", "hapscope lab build --kata"},
		"no virtiofsd":  {"kata-qemu", func(m machine) { kata3(m); os.Remove(m.path("files/virtiofsd")) }, "virtiofsd", "correct its path in"},
		"no image":      {"kata-qemu", func(m machine) { kata3(m); os.Remove(m.path("files/kata-containers.img")) }, "guest image", "correct its path in"},
		"no kernel":     {"kata-qemu", func(m machine) { kata3(m); os.Remove(m.path("files/vmlinuz.container")) }, "guest kernel", "install it"},
		"no program":    {"kata-qemu", func(m machine) { kata3(m); os.Chmod(m.path("files/qemu-system-x86_64"), 0o644) }, "QEMU", "install it"},
		"other cgroups": {"kata-qemu", kata1, "all of the sandbox in one cgroup", "sandbox_cgroup_only = true"},
		"Firecracker":   {"kata-fc", kata3, "directories can be shared", "none yet"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.install(m)
			info := New(m.flavour(c.variant), Options{}).Check(t.Context())
			for _, q := range record.Unmet(info.Requirements) {
				if q.Name == c.unmet && strings.Contains(q.Remedy, c.remedy) && q.Detail != "" {
					return
				}
			}
			t.Errorf("unmet: %+v", record.Unmet(info.Requirements))
		})
	}
}

func kata3(m machine) {
	m.shim(opt, " (Golang)", "3.20.0")
	m.config(conf+"configuration-qemu.toml", "qemu.toml")
	m.config(conf+"configuration-fc.toml", "fc.toml")
}

func kata1(m machine) {
	m.shim(opt, "", "1.12.0")
	m.config(conf+"configuration.toml", "qemu-1.toml")
}

func TestDevices(t *testing.T) {
	for name, c := range map[string]struct {
		variant string
		install func(machine)
		want    string
	}{
		"Kata 3 with QEMU":                  {"kata-qemu", kata3, "/dev/kvm /dev/net/tun /dev/vhost-vsock /dev/vhost-net"},
		"Kata 1 with QEMU, no vhost-net":    {"kata-qemu", kata1, "/dev/kvm /dev/net/tun /dev/vhost-vsock"},
		"Firecracker has a vsock in itself": {"kata-fc", kata3, "/dev/kvm /dev/net/tun"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.install(m)
			f := m.flavour(c.variant)
			in, err := find(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(in.config.devices(f.Hypervisor, in.version), " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTools(t *testing.T) {
	m := newMachine(t)
	kata3(m)
	tools, err := New(m.flavour("kata-qemu"), Options{}).Tools(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools {
		names = append(names, tool.Name)
		if len(tool.SHA256) != 64 {
			t.Errorf("%+v has no digest", tool)
		}
	}
	want := binary + " QEMU virtiofsd configuration of Kata guest kernel guest image"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if tools[0].Version != "3.20.0 (Kata 3, shim in Go)" || tools[1].Version != "version 9" {
		t.Errorf("versions: %+v", tools)
	}
}
