package debuginfo

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hapscope/analysis/code"
)

// testdata/build.sh says what these files are and where the expected numbers are from.

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func kernel(t testing.TB) *Kernel {
	t.Helper()
	k, err := ReadKernel(bytes.NewReader(read(t, "vmlinux")))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestReadKernel(t *testing.T) {
	k := kernel(t)
	if want := "b19a3d5c0390536bd8850c9e28df7f9dc9a3d585"; k.BuildID != want {
		t.Errorf("build id %s, want %s", k.BuildID, want)
	}
	want := []code.Function{
		{Offset: 0x10, Bytes: 8, File: "kernel/second.c", Line: 4, Lines: 2},
		{Offset: 0x20, Bytes: 31, File: "init/main.c", Line: 10, Lines: 3},
		{Offset: 0x40, Bytes: 18 + 16, File: "kernel/first.c", Line: 7, Lines: 6}, // with its .cold, which is the other twin's by address
		{Offset: 0x60, Bytes: 23, File: "kernel/first.c", Line: 16, Lines: 4},     // of two names
		{Offset: 0x80, Bytes: 56, File: "kernel/second.c", Line: 10, Lines: 8},    // with what was inlined
		{Offset: 0xc0, Bytes: 9, File: "kernel/second.c", Line: 20, Lines: 2},
		{Offset: 0xc9, Bytes: 4, File: "kernel/entry.S", Line: 5, Lines: 3},
	}
	if diff := cmp.Diff(want, k.Functions); diff != "" {
		t.Error(diff)
	}
}

func TestReadModule(t *testing.T) {
	got, err := kernel(t).ReadModule("one", read(t, "one.ko"))
	if err != nil {
		t.Fatal(err)
	}
	// .text.unlikely, with probe's .cold, comes between .text and .noinstr.text.
	want := []code.Function{
		{Module: "one", Offset: 0, Bytes: 15 + 12, File: "drivers/one/one.c", Line: 10, Lines: 6},
		{Module: "one", Offset: 0x10, Bytes: 17, File: "drivers/one/two.c", Line: 4, Lines: 3},
		{Module: "one", Offset: 0x30, Bytes: 4, File: "drivers/one/two.c", Line: 9, Lines: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoKernelIsRefused(t *testing.T) {
	for name, content := range map[string][]byte{
		"nothing":     nil,
		"no ELF":      []byte("\x7fELF and then something else"),
		"a module":    read(t, "one.ko"),
		"half of one": read(t, "vmlinux")[:8000],
	} {
		if k, err := ReadKernel(bytes.NewReader(content)); err == nil {
			t.Errorf("%s is taken for a kernel: %+v", name, k)
		}
	}
	if of, err := kernel(t).ReadModule("vmlinux", read(t, "vmlinux")); err == nil {
		t.Errorf("a kernel is taken for a module: %+v", of)
	}
}

func TestTrim(t *testing.T) {
	for _, c := range []struct {
		tree
		file, want string
	}{
		{tree{"", "debian/build/b"}, "arch/x86/kvm/../../../virt/kvm/kvm_main.c", "virt/kvm/kvm_main.c"},
		{tree{"", "debian/build/b"}, "debian/build/b/include/generated/asm.h", "include/generated/asm.h"},
		{tree{"/usr/src/linux", "/usr/src/linux/out"}, "/usr/src/linux/mm/slub.c", "mm/slub.c"},
		{tree{"/usr/src/linux", "/usr/src/linux/out"}, "/usr/src/linux/out/kernel/bounds.s", "kernel/bounds.s"},
		{tree{"../..", "/b"}, "../../fs/open.c", "fs/open.c"},
		{tree{"/", "/"}, "/fs/open.c", "fs/open.c"},
		{tree{"/usr/src/linux", "/b"}, "/somewhere/else.c", "/somewhere/else.c"},
	} {
		if got := c.trim(c.file); got != c.want {
			t.Errorf("%+v: %s is %s, want %s", c.tree, c.file, got, c.want)
		}
	}
}

func TestFetchAsksOneServerAfterTheOther(t *testing.T) {
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/buildid/abcdef12/debuginfo" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte("what it has"))
	}))
	defer full.Close()
	path := filepath.Join(t.TempDir(), "vmlinux")
	if err := (Servers{empty.URL, full.URL + "/"}).Fetch(t.Context(), "abcdef12", path); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "what it has" {
		t.Errorf("got %q, %v", got, err)
	}
	err := (Servers{empty.URL, full.URL}).Fetch(t.Context(), "00000000", path)
	if err == nil || strings.Count(err.Error(), "404") != 2 {
		t.Errorf("what no server has: %v", err)
	}
	if err := (Servers{}).Fetch(t.Context(), "00000000", path); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a server: %v", err)
	}
}

func FuzzReadKernel(f *testing.F) {
	f.Add(read(f, "vmlinux"))
	f.Fuzz(func(t *testing.T, b []byte) { ReadKernel(bytes.NewReader(b)) })
}

func FuzzReadModule(f *testing.F) {
	f.Add(read(f, "one.ko"))
	k := kernel(f)
	f.Fuzz(func(t *testing.T, b []byte) { k.ReadModule("one", b) })
}
