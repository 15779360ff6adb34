package image

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hapscope/record"
)

// Lines of a real modules.dep (Debian 13, 6.12).
const modulesDep = `kernel/fs/ext4/ext4.ko.xz: kernel/lib/crc16.ko.xz kernel/fs/mbcache.ko.xz kernel/fs/jbd2/jbd2.ko.xz
kernel/lib/crc16.ko.xz:
kernel/fs/mbcache.ko.xz:
kernel/fs/jbd2/jbd2.ko.xz:
kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz
kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz
kernel/arch/x86/crypto/crc32c-intel.ko.xz:
`

func TestModuleOrder(t *testing.T) {
	index, err := parseModulesDep(strings.NewReader(modulesDep))
	if err != nil {
		t.Fatal(err)
	}
	const builtin = "kernel/drivers/virtio/virtio_pci.ko\n"
	got, err := index.order([]string{"virtio_pci", "ext4", "9pnet_virtio", "9p"}, []string{"no_such", "crc32c_intel"}, builtin)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range got {
		names = append(names, moduleName(f))
	}
	if want := "jbd2 mbcache crc16 ext4 netfs 9pnet 9pnet_virtio 9p crc32c_intel"; strings.Join(names, " ") != want {
		t.Errorf("order %s, want %s", strings.Join(names, " "), want)
	}
	if _, err := index.order([]string{"no_such"}, nil, builtin); err == nil {
		t.Error("a module that is needed and not there is no error")
	}
	if _, err := parseModulesDep(strings.NewReader("nonsense\n")); err == nil {
		t.Error("nonsense is taken for an index")
	}
}

func TestParseStatus(t *testing.T) {
	// Captured from a Debian 13 image, shortened.
	const status = `Package: runc
Status: install ok installed
Priority: optional
Version: 1.1.15+ds1-2+b4
Description: Open Container Project - runtime
 This line: looks like a field
 Version: not this one

Package: gone
Status: deinstall ok config-files
Version: 1

Package: crun
Status: install ok installed
Version: 1.21-1
`
	got, err := parseStatus(strings.NewReader(status), Userland)
	if err != nil {
		t.Fatal(err)
	}
	want := []record.Package{{Image: Userland, Name: "crun", Version: "1.21-1"}, {Image: Userland, Name: "runc", Version: "1.1.15+ds1-2+b4"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if _, err := parseStatus(strings.NewReader(""), Userland); err == nil {
		t.Error("an empty status is no error")
	}
}

func TestParsePackageFile(t *testing.T) {
	got, err := parsePackageFile("libaudit1_1%3a3.0.9-1_amd64.deb")
	if err != nil || got != (record.Package{Image: Kernel, Name: "libaudit1", Version: "1:3.0.9-1"}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := parsePackageFile("README"); err == nil {
		t.Error("README is taken for a package")
	}
}

func TestParseLibraries(t *testing.T) {
	// Captured from the loader's --list, shortened.
	const list = "\tlinux-vdso.so.1 (0x00007f568e0d8000)\n" +
		"\tlibgnutls.so.30 => /e/usr/lib/x86_64-linux-gnu/libgnutls.so.30 (0x00007f568b600000)\n" +
		"\t/lib64/ld-linux-x86-64.so.2 => /e/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 (0x00007f1)\n"
	got, err := parseLibraries(list, "/e/usr/lib/x86_64-linux-gnu")
	if err != nil || len(got) != 2 || !got["libgnutls.so.30"] || !got["ld-linux-x86-64.so.2"] {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"\tliba.so => not found\n", "\tliba.so => /usr/lib/liba.so (0x1)\n"} {
		if _, err := parseLibraries(bad, "/e/usr/lib/x86_64-linux-gnu"); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}

func TestNeededForKernel(t *testing.T) {
	for name, want := range map[string]bool{
		"boot/vmlinuz-6.12.1": true, "usr/lib/modules/6.12.1/kernel/a.ko.xz": true, "lib/modules/6.1/a.ko": true,
		"bin/kmod": true, "usr/bin/kmod": true, "lib/x86_64-linux-gnu/libc.so.6": true,
		"usr/share/bash-completion/completions/kmod": false, "etc/passwd": false,
		"var/cache/apt/archives/linux-image-amd64_6.1_amd64.deb": true, "var/cache/apt/archives/libc6_1_amd64.deb": false,
	} {
		if got := neededForKernel(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestUntar(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "./a/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./a/file", Typeflag: tar.TypeReg, Mode: 0o4755, Size: 1, Uid: 5},
		{Name: "./a/link", Typeflag: tar.TypeSymlink, Linkname: "file"},
		{Name: "./a/hard", Typeflag: tar.TypeLink, Linkname: "./a/file"},
		{Name: "./dev/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3},
		{Name: "./out", Typeflag: tar.TypeSymlink, Linkname: "/tmp"},
		{Name: "./unwanted", Typeflag: tar.TypeReg, Mode: 0o644},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	archive := filepath.Join(dir, "a.tar")
	if err := os.WriteFile(archive, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if err := untar(archive, out, func(name string) bool { return name != "unwanted" }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/file", "a/link", "a/hard"} {
		if got, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(got) != "x" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(out, "a/file")); err != nil || info.Mode()&os.ModeSetuid != 0 {
		t.Errorf("set-user-id was taken over: %v, %v", info, err)
	}
	for _, name := range []string{"unwanted", "dev/null"} {
		if _, err := os.Lstat(filepath.Join(out, name)); err == nil {
			t.Errorf("%s was unpacked", name)
		}
	}
}

func TestExt4IsReproducible(t *testing.T) {
	tree := t.TempDir()
	if err := os.MkdirAll(filepath.Join(tree, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "bin", "tool"), bytes.Repeat([]byte("x"), 10000), 0o755); err != nil {
		t.Fatal(err)
	}
	var images [2][]byte
	for i := range images {
		name := filepath.Join(t.TempDir(), "image")
		if err := ext4FromTree(tree, name); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		images[i] = b
	}
	if !bytes.Equal(images[0], images[1]) {
		t.Error("two images of one tree differ")
	}
	// The magic number of ext4's superblock, at 1024+56.
	if b := images[0]; len(b) < 2048 || b[1080] != 0x53 || b[1081] != 0xef {
		t.Error("not an ext4 image")
	}
}

func TestModuleOfTools(t *testing.T) {
	if m := moduleVersion.FindSubmatch(gvisorMod); m == nil || !strings.HasPrefix(string(m[1]), "v0.0.0-2026") {
		t.Errorf("gVisor's version in the module of tools: %q", m)
	}
}

func TestMissingTool(t *testing.T) {
	_, err := need("hapscope-no-such-tool", "apt-get install it")
	if err == nil || !strings.Contains(err.Error(), "apt-get install it") {
		t.Errorf("got %v", err)
	}
}
