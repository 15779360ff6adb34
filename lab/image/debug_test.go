package image

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// debugDeb makes a package like Debian's, and leaves it in a cache.
func debugDeb(t *testing.T, cache, release string, files map[string]string) {
	t.Helper()
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Skip("no dpkg-deb in PATH: it packs and unpacks Debian's packages")
	}
	tree := t.TempDir()
	files["DEBIAN/control"] = "Package: " + debugName(release) + "\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\nDescription: made for a test\n"
	for name, content := range files {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	deb := filepath.Join(cache, debugDir, debugName(release)+"_1_amd64.deb")
	if err := os.MkdirAll(filepath.Dir(deb), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(dpkg, "--root-owner-group", "--build", tree, deb).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestFetchDebugTakesWhatIsWanted(t *testing.T) {
	cache, release := t.TempDir(), "6.0.1+deb13-amd64"
	modules := "usr/lib/debug/lib/modules/" + release + "/"
	debugDeb(t, cache, release, map[string]string{
		"usr/lib/debug/boot/vmlinux-" + release:          "the kernel",
		"usr/lib/debug/boot/System.map-" + release:       "unwanted",
		modules + "kernel/drivers/vhost/vhost-net.ko":    "vhost_net", // - in the name of a file is _ in that of its module
		modules + "kernel/fs/ext4/ext4.ko":               "unwanted",
		"usr/share/doc/" + debugName(release) + "/copyr": "unwanted",
	})
	debug, err := FetchDebug(t.Context(), DebugOptions{CacheDir: cache, Suite: "trixie", Release: release, Modules: []string{"vhost_net", "not_there"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(maps.Keys(debug.Modules)); !slices.Equal(got, []string{"vhost_net"}) {
		t.Errorf("modules %v", got)
	}
	for path, want := range map[string]string{debug.Vmlinux: "the kernel", debug.Modules["vhost_net"]: "vhost_net"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", path, got, err)
		}
	}
	if _, err := FetchDebug(t.Context(), DebugOptions{CacheDir: cache, Suite: "trixie", Release: release}); err == nil || !strings.Contains(err.Error(), "another hapscope") {
		t.Errorf("while the files are in use: %v", err)
	}
	if err := debug.Remove(); err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(cache, debugDir, tempPrefix+"unpacked", "tree", "usr", "vmlinux")
	if err := errors.Join(os.MkdirAll(filepath.Dir(killed), 0o755), os.WriteFile(killed, []byte("of another kernel"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if debug, err = FetchDebug(t.Context(), DebugOptions{CacheDir: cache, Suite: "trixie", Release: release}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(debug.Vmlinux); err != nil || string(got) != "the kernel" {
		t.Errorf("after a killed one: %q, %v", got, err)
	}
	if err := debug.Remove(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(cache, debugDir))
	if err != nil || len(left) != 1 {
		t.Errorf("left beside the package: %v, %v", left, err)
	}
}

func TestFetchDebugOfAPackageThatIsNone(t *testing.T) {
	cache := t.TempDir()
	debugDeb(t, cache, "6.0-1-amd64", map[string]string{"usr/share/doc/x": "no kernel"})
	for release, want := range map[string]string{"6.0-1-amd64": "no vmlinux in it", "6.0-2-amd64": "dpkg-deb"} {
		if strings.HasPrefix(want, "dpkg") {
			broken := filepath.Join(cache, debugDir, debugName(release)+"_1_amd64.deb")
			if err := os.WriteFile(broken, []byte("!<arch>\nand no more"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := FetchDebug(t.Context(), DebugOptions{CacheDir: cache, Suite: "trixie", Release: release})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", release, err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(cache, debugDir, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFetchDebugRefusesNames that come from a record and would become part of a command.
func TestFetchDebugRefusesNames(t *testing.T) {
	for _, o := range []DebugOptions{
		{Suite: "trixie", Release: "6.0; rm -rf /"}, {Suite: "trixie", Release: "../../6.0"}, {Suite: "trixie"},
		{Suite: "-x", Release: "6.0-1-amd64"}, {Release: "6.0-1-amd64"},
	} {
		o.CacheDir = t.TempDir()
		if _, err := FetchDebug(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is not the") {
			t.Errorf("%+v: error %v", o, err)
		}
	}
}

func TestFetchDebugStopsWhenToldTo(t *testing.T) {
	cache, release := t.TempDir(), "6.0-1-amd64"
	debugDeb(t, cache, release, map[string]string{"usr/lib/debug/boot/vmlinux-" + release: strings.Repeat("a large kernel ", 1<<22)})
	ctx, cancel := context.WithCancel(t.Context())
	progress, said := io.Pipe()
	go func() {
		io.ReadAtLeast(progress, make([]byte, 64), 1) // unpacking has begun
		cancel()
		io.Copy(io.Discard, progress)
	}()
	if _, err := FetchDebug(ctx, DebugOptions{CacheDir: cache, Suite: "trixie", Release: release, Progress: said}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(cache, debugDir)); err != nil || len(left) != 1 {
		t.Errorf("left beside the package: %v, %v", left, err)
	}
}
