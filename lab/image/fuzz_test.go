package image

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse reads what Debian's tools and packages say.
func FuzzParse(f *testing.F) {
	f.Add(modulesDep)
	f.Add("Package: runc\nStatus: install ok installed\nVersion: 1.1.15+ds1-2+b4\n\n")
	f.Add("\tlibgnutls.so.30 => /e/usr/lib/x86_64-linux-gnu/libgnutls.so.30 (0x00007f568b600000)\n")
	f.Add("libaudit1_1%3a3.0.9-1_amd64.deb")
	f.Add("a.ko: a.ko b.ko\nb.ko: a.ko\n")
	f.Fuzz(func(t *testing.T, text string) {
		if index, err := parseModulesDep(strings.NewReader(text)); err == nil {
			index.order([]string{"ext4", "a"}, []string{"b"}, text) // must end
		}
		if list, err := parseStatus(strings.NewReader(text), Userland); err == nil && len(list) == 0 {
			t.Errorf("%q lists no package, and is no error", text)
		}
		if names, err := parseLibraries(text, "/e"); err == nil {
			for name := range names {
				if strings.Contains(name, "/") {
					t.Errorf("%q: library %q", text, name)
				}
			}
		}
		parsePackageFile(text)
	})
}

// archiveOf makes a tar whose members have these names and point there.
func archiveOf(t testing.TB, members ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range members {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	return b.Bytes()
}

// hostileArchives try to write beside the directory that they are unpacked into.
func hostileArchives(t testing.TB) map[string][]byte {
	file := func(name string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: 1}
	}
	link := func(name, to string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}
	}
	return map[string][]byte{
		"above":            archiveOf(t, file("../outside/x")),
		"above, hidden":    archiveOf(t, file("./a/../../outside/x")),
		"absolute":         archiveOf(t, file("/outside/x")),
		"through a link":   archiveOf(t, link("a", "../outside"), file("a/x")),
		"through a chain":  archiveOf(t, link("a", "."), link("a/b", "../outside"), file("b/x")),
		"over a link":      archiveOf(t, link("x", "../outside/x"), file("x")),
		"a hard link":      archiveOf(t, tar.Header{Name: "x", Typeflag: tar.TypeLink, Linkname: "../outside/secret"}, file("x")),
		"a hard link down": archiveOf(t, link("a", "../outside"), tar.Header{Name: "x", Typeflag: tar.TypeLink, Linkname: "a/secret"}),
		"a directory":      archiveOf(t, tar.Header{Name: "../outside/d", Typeflag: tar.TypeDir, Mode: 0o777}),
	}
}

// unpackBeside unpacks an archive and says what has changed beside the directory.
func unpackBeside(t testing.TB, archive []byte) {
	t.Helper()
	base := t.TempDir()
	outside := filepath.Join(base, "outside")
	if err := os.Mkdir(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(base, "in")
	untarFrom(bytes.NewReader(archive), into, func(string) bool { return true })
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside it there are %v, %v", entries, err)
	}
	kept, err := os.Stat(secret)
	if b, e := os.ReadFile(secret); err != nil || e != nil || string(b) != "secret" {
		t.Errorf("the file beside it is %q, %v", b, e)
	}
	filepath.WalkDir(into, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if info, err := os.Lstat(path); err == nil && os.SameFile(info, kept) {
			t.Errorf("%s is the file beside it", path)
		}
		return nil
	})
	if above, _ := os.ReadDir(base); len(above) != 2 {
		t.Errorf("above it there are %v", above)
	}
}

func TestUntarStaysInside(t *testing.T) {
	for name, archive := range hostileArchives(t) {
		t.Run(name, func(t *testing.T) { unpackBeside(t, archive) })
	}
}

func FuzzUntar(f *testing.F) {
	for _, archive := range hostileArchives(f) {
		f.Add(archive)
	}
	f.Fuzz(func(t *testing.T, archive []byte) { unpackBeside(t, archive) })
}
