//go:build lab

package containerd

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hapscope/runtimes"
	"hapscope/runtimes/shim"
)

// A shim that fails, and one that never answers: an error that says so, in time, and
// nothing is left of it.
func TestBadShim(t *testing.T) {
	t.Cleanup(leavesNothing(t))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	e := prepared(t, Options{})
	o := order(t, "bad", "/bin/true")
	for text, want := range map[string]string{
		"[ \"$7\" = -id ] && echo no such machine >&2; exit 3": "no such machine",
		"exec sleep 1000": "deadline exceeded",
	} {
		o.Shim = script(t, text)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		task, err := e.Create(ctx, o)
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
		if task == nil {
			t.Fatal("nothing to close")
		}
		if err := task.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// containerd dies while a task runs: the error says it, with a remedy, and nothing is
// left once the task's processes are killed.
func TestContainerdDies(t *testing.T) {
	t.Cleanup(leavesNothing(t))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e := prepared(t, Options{})
	o := order(t, "orphan", "/bin/sleep", "1000")
	task := created(t, e, o)
	if err := task.Start(ctx); err != nil {
		t.Error(err)
	}
	e.daemon.cmd.Process.Kill()
	<-e.daemon.ended
	if err := task.Kill(ctx); !errors.Is(err, errGone) || runtimes.Remedy(err) == "" {
		t.Errorf("err = %v, remedy %q", err, runtimes.Remedy(err))
	}
	killAll(t, o.ID)
	if err := task.Close(ctx); err != nil {
		t.Error(err)
	}
	// The next task finds another containerd.
	old := e.daemon
	if _, _, err := e.ready(ctx); err != nil || e.daemon == old || e.daemon.hasEnded() {
		t.Errorf("it is not replaced: %v", err)
	}
}

// killAll kills the shim and what it has started, as package shim does by the cgroup.
func killAll(t *testing.T, id string) {
	t.Helper()
	for _, dir := range glob(t, "/proc/[0-9]*") {
		if strings.Contains(read(dir+"/cmdline"), "\x00"+id+"\x00") || strings.Contains(read(dir+"/cgroup"), "/hapscope/"+strings.TrimPrefix(id, shim.IDPrefix)) {
			n, _ := strconv.Atoi(filepath.Base(dir))
			syscall.Kill(n, syscall.SIGKILL)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What a killed hapscope leaves, of a containerd of its own and in the user's, the next
// one removes.
func TestSweep(t *testing.T) {
	for _, own := range []bool{true, false} {
		t.Run(map[bool]string{true: "its own", false: "the user's"}[own], func(t *testing.T) {
			t.Cleanup(leavesNothing(t))
			o := Options{}
			if !own {
				d, err := startDaemon(t.Context(), "containerd", t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := d.stop(); err != nil {
						t.Error(err)
					}
				})
				o.Address = d.address
			}
			e := New(o)
			if _, err := e.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			job := order(t, "left", "/bin/sleep", "1000")
			created(t, e, job)
			e.relay.close()    // the stand-ins find nobody
			killAll(t, job.ID) // as package shim's sweep does before
			lines, err := Sweep(t.Context())
			t.Log(strings.Join(lines, "; "))
			if err != nil || len(lines) < 2 {
				t.Errorf("Sweep = %q, %v", lines, err)
			}
			if again, err := Sweep(t.Context()); err != nil || len(again) != 0 {
				t.Errorf("Sweep again = %q, %v", again, err)
			}
		})
	}
}
