package record

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestOnlyPlainFiles puts in the place of each file of a run directory what a guest of a
// lab could: a link to a file elsewhere, a pipe, a directory. Neither is read, written or
// waited for.
func TestOnlyPlainFiles(t *testing.T) {
	const kernel = "0123456789abcdef0123"
	step := Step{Cell{"runc", "redis-set"}, 1}
	run := Run{ID: "x", Where: "host", Plan: Plan{Variants: []string{"runc"}, Workloads: []string{"redis-set"}, Steps: []Step{step}, Timing: &TimingPlan{Steps: []Step{step}}}}
	elsewhere := filepath.Join(t.TempDir(), "secret")
	put := map[string]func(string) error{
		"a link":           func(path string) error { return os.Symlink(elsewhere, path) },
		"a link to no one": func(path string) error { return os.Symlink(elsewhere+"-new", path) },
		"a pipe":           func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a directory":      func(path string) error { return os.Mkdir(path, 0o700) },
	}
	for _, name := range []string{runFile, resultsFile, timingsFile, lockFile, LogFile, TableFile(kernel)} {
		for what, put := range put {
			t.Run(name+" is "+what, func(t *testing.T) {
				if err := os.WriteFile(elsewhere, []byte("secret"), 0o600); err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				w, err := NewWriter(dir, run)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Functions(kernel, []Function{{Symbol: "f"}}); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, name)
				if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				if err := put(path); err != nil {
					t.Fatal(err)
				}
				done := make(chan []error, 1)
				go func() { // all that this machine's hapscope does with the directory
					_, readErr := Read(dir)
					_, logErr := OpenLog(dir)
					errs := []error{readErr, logErr}
					_, tableErr := w.Functions(kernel, []Function{{Symbol: "g"}})
					timingErr := w.AppendTiming(Timing{Variant: "runc", Workload: "redis-set", Repetition: 1, Status: Failed, Reason: "x", Place: Native})
					errs = append(errs, tableErr, timingErr, w.UpdateRun(func(*Run) {}), w.Close())
					if again, _, _, err := OpenWriter(dir); err == nil {
						again.Close()
					} else {
						errs = append(errs, err)
					}
					done <- errs
				}()
				select {
				case errs := <-done:
					if errors.Join(errs...) == nil {
						t.Error("nobody minds")
					}
				case <-time.After(10 * time.Second):
					t.Fatal("it waits")
				}
				if b, err := os.ReadFile(elsewhere); err != nil || string(b) != "secret" {
					t.Errorf("elsewhere there is %q, %v", b, err)
				}
				if _, err := os.Lstat(elsewhere + "-new"); err == nil {
					t.Error("a file was made elsewhere")
				}
			})
		}
	}
}

// A record whose module is a path leads nobody there.
func TestModuleIsNoPath(t *testing.T) {
	_, err := parseTable("functions.csv", []byte(tableHeader+"0,,f,0x0\n1,../../x,g,0x0\n"))
	if err == nil || !strings.Contains(err.Error(), `functions.csv:3: "../../x" is no name of a module`) {
		t.Errorf("got %v", err)
	}
}

// FuzzReadRun feeds damaged descriptions of runs to the reader: what it takes can be read
// back.
func FuzzReadRun(f *testing.F) {
	dir := f.TempDir()
	w, err := NewWriter(dir, Run{ID: "x", Where: "lab", Lab: &Lab{Suite: "trixie", KernelSuite: "trixie", CPUs: 2}, Plan: Plan{Scenario: "quick", Variants: []string{"runc"}, Workloads: []string{"redis-set"},
		Steps: []Step{{Cell{"runc", "redis-set"}, 1}}, Unikernels: map[string]map[string]Unikernel{"nabla-raw": {"redis-set": {Image: "/a"}}}}})
	if err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, runFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(captured(f, "run.json"))
	f.Add([]byte(`{"schema": "hapscope/1", "id": "../../x", "where": "host", "plan": {"steps": [{"variant": "a", "workload": "b", "repetition": 9223372036854775808}]}}`))
	f.Add([]byte(`{"schema": "hapscope/9"}`))
	f.Add([]byte(`{"schema": "hapscope/1", "timed": {"native": null}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		run, err := parseRun(content)
		if (run == nil) == (err == nil) && err == nil {
			t.Fatal("neither a run nor an error")
		}
		if err != nil {
			return
		}
		if err := run.check(); err != nil {
			t.Fatal(err)
		}
	})
}
