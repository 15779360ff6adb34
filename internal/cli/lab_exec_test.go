package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestTestOutputs(t *testing.T) {
	got := testOutputs([]string{"/t/x.test", "-test.run=^$", "-test.coverprofile=/w/b001/_cover_.out", "-test.gocoverdir=/w/cover", "-test.trace=relative"})
	if want := []string{"/w/b001", "/w/cover"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestView is what a test binary sees: its module, itself, and a place for what
// it writes.
func TestView(t *testing.T) {
	base := t.TempDir()
	for _, d := range []string{"module/pkg", "build", "out"} {
		if err := os.MkdirAll(filepath.Join(base, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(base, "build", "pkg.test")
	for _, f := range []string{filepath.Join(base, "module", "go.mod"), binary} {
		if err := os.WriteFile(f, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(base, "module", "pkg"))
	t.Setenv("GOCOVERDIR", filepath.Join(base, "out"))
	v, err := (&labSession{}).view([]string{binary, "-test.testlogfile=" + filepath.Join(base, "build", "testlog.txt")})
	if err != nil {
		t.Fatal(err)
	}
	writable := map[string]bool{}
	for _, s := range v.shares {
		if s.Host != s.Guest {
			t.Errorf("%s is seen at %s", s.Host, s.Guest)
		}
		writable[s.Host] = s.Writable
	}
	want := map[string]bool{filepath.Join(base, "module"): false, filepath.Join(base, "build"): true, filepath.Join(base, "out"): true}
	if len(writable) != len(want) {
		t.Errorf("shares %v", writable)
	}
	for dir, w := range want {
		if got, ok := writable[dir]; !ok || got != w {
			t.Errorf("%s: shared %t, writable %t", dir, ok, got)
		}
	}
	if v.dir != filepath.Join(base, "module", "pkg") || !slices.Equal(v.env, []string{"GOCOVERDIR=" + filepath.Join(base, "out")}) {
		t.Errorf("dir %s, environment %v", v.dir, v.env)
	}
	if _, err := (&labSession{shares: []string{filepath.Join(base, "missing:rw")}}).view(nil); exitCode(err) != exitUsage {
		t.Errorf("a share that is not there gives %v", err)
	}
}

func TestViewFromTheRoot(t *testing.T) {
	t.Chdir("/")
	t.Setenv("GOCOVERDIR", "")
	v, err := (&labSession{}).view([]string{"/bin/true"})
	if err != nil || len(v.shares) != 0 || v.dir != "/" {
		t.Errorf("got %+v, %v", v, err)
	}
}
