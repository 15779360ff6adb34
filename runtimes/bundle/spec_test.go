package bundle

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hapscope/record"
	"hapscope/runtimes"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestSpec(t *testing.T) {
	config, err := Spec(runtimes.Spec{
		ID: "hs-1-runc-redis-set-1",
		Process: record.Process{
			Args: []string{"/usr/bin/redis-server", "--port", "6379"},
			Env:  []string{"PATH=/usr/bin:/bin"},
			Cwd:  "/tmp",
		},
	}, "/hapscope/hs-1-runc-redis-set-1", "/run/hapscope/netns/hs-1-runc-redis-set-1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "config.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("config.json differs (go test -update rewrites it):\n%s", diff)
	}
}

func TestSpecWithoutArguments(t *testing.T) {
	if _, err := Spec(runtimes.Spec{ID: "x"}, "/x", "/x"); err == nil {
		t.Error("a process without arguments was accepted")
	}
}

func TestLimit(t *testing.T) {
	config, err := Spec(runtimes.Spec{ID: "x", Process: record.Process{Args: []string{"x"}}}, "/x", "/x")
	if err != nil {
		t.Fatal(err)
	}
	files := &config.Process.Rlimits[0]
	if limit(config.Process.Rlimits, 20000); files.Soft != 1024 || files.Hard != 20000 {
		t.Errorf("limits = %+v", files)
	}
	if limit(config.Process.Rlimits, 512); files.Soft != 512 || files.Hard != 512 {
		t.Errorf("limits = %+v", files)
	}
}

func TestAddFiles(t *testing.T) {
	outside, rootfs := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(rootfs, "srv")); err != nil {
		t.Fatal(err)
	}
	if err := addFiles(rootfs, map[string]string{"/opt/a/b.py": "x"}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(rootfs, "opt/a/b.py")); err != nil || string(b) != "x" {
		t.Errorf("read %q, %v", b, err)
	}
	for _, path := range []string{"/srv/x", "opt/x", "../x"} {
		if err := addFiles(rootfs, map[string]string{path: "x"}); err == nil {
			t.Errorf("%s was written", path)
		}
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("outside now holds %v", left)
	}
}

func TestEscape(t *testing.T) {
	if got, want := escape(`/a:b,c\d`), `/a\:b\,c\\d`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Of trials that were killed nothing stays; those of the living do.
func TestSweepChecks(t *testing.T) {
	base := t.TempDir()
	dead, alive := filepath.Join(base, fmt.Sprintf("%s%d-1", checkPrefix, 1<<22+1)), filepath.Join(base, fmt.Sprintf("%s%d-1", checkPrefix, os.Getpid()))
	others := filepath.Join(base, checkPrefix+"mine")
	for _, dir := range []string{dead + "/upper", alive, others} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := sweepChecks(base)
	if err != nil || len(removed) != 1 || removed[0] != "directory "+dead {
		t.Errorf("removed %v, %v", removed, err)
	}
	for dir, there := range map[string]bool{dead: false, alive: true, others: true} {
		if _, err := os.Stat(dir); (err == nil) != there {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
