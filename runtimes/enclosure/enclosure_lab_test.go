//go:build lab

package enclosure

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hapscope/internal/kernel/cgroup"
)

// engine stands for a daemon: its shim enters no cgroup, and its child enters the one that
// it was told of, after having started a helper.
const engine = `sleep 1111 & sh -c 'echo $$ >"$1"/container/cgroup.procs; echo $$ >"$2"; exec sleep 2222' sh "$1" "$2"`

func made(t *testing.T) *Enclosure {
	t.Helper()
	root, err := cgroup.Root()
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(filepath.Join(root, "hapscope", "enclosure-"+strconv.Itoa(os.Getpid())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Remove(context.Background()); err != nil || cgroup.Exists(e.Dir()) {
			t.Errorf("remove: %v", err)
		}
	})
	if err := cgroup.Create(filepath.Join(e.Dir(), "container")); err != nil {
		t.Fatal(err)
	}
	return e
}

// What the engine forks is found and moved, and waits until it is adopted; who was there
// before stays where it is.
func TestStart(t *testing.T) {
	e := made(t)
	pidFile := filepath.Join(t.TempDir(), "pid")
	neighbour := exec.Command("sleep", "3333")
	if err := neighbour.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { neighbour.Process.Kill(); neighbour.Wait() }()
	var shim *exec.Cmd
	adopted := 0
	err := e.Start(t.Context(), func(dir string) error {
		adopted++
		time.Sleep(100 * time.Millisecond) // it has entered, and goes no further
		if _, err := os.Stat(pidFile); err == nil {
			t.Error("the container's process went on before it was adopted")
		}
		pids, err := cgroup.Processes(dir)
		if err != nil || len(pids) < 3 {
			t.Errorf("adopted are %v, %v: not the shim, the helper and the process", pids, err)
		}
		return nil
	}, func(context.Context) error {
		shim = exec.Command("sh", "-c", engine, "sh", e.Dir(), pidFile)
		err := shim.Start()
		for deadline := time.Now().Add(10 * time.Second); err == nil && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if _, e := os.Stat(pidFile); e == nil {
				break // as a daemon, which answers when the container runs
			}
		}
		return err
	})
	if err != nil || adopted != 1 {
		t.Fatalf("%v, adopted %d times", err, adopted)
	}
	defer func() { shim.Process.Kill(); shim.Wait() }()
	b, _ := os.ReadFile(pidFile)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Gather(pid); err != nil {
		t.Fatal(err)
	}
	if e.Origin().PID != shim.Process.Pid {
		t.Errorf("it began with %+v, not with %d", e.Origin(), shim.Process.Pid)
	}
	var commands []string
	for _, h := range e.Beside() {
		commands = append(commands, h.Command)
		if !h.Moved || strings.HasPrefix(h.Cgroup, e.Dir()) || h.Program == "" {
			t.Errorf("helper %+v", h)
		}
	}
	if strings.Join(commands, " ") != "sh sleep" && strings.Join(commands, " ") != "sleep sh" {
		t.Errorf("beside it are %v", commands)
	}
	if at, err := cgroup.Of(pid); err != nil || at != filepath.Join(e.Dir(), "container") {
		t.Errorf("the process is in %s, %v", at, err)
	}
	if at, err := cgroup.Of(neighbour.Process.Pid); err != nil || strings.HasPrefix(at, e.Dir()) {
		t.Errorf("a neighbour is in %s, %v", at, err)
	}
}

// A daemon that fails leaves nothing frozen, and its error is told.
func TestStartFails(t *testing.T) {
	e := made(t)
	failed := errors.New("no such runtime")
	err := e.Start(t.Context(), func(string) error { t.Error("adopted nothing"); return nil }, func(context.Context) error { return failed })
	if !errors.Is(err, failed) {
		t.Errorf("err = %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(e.Dir(), "cgroup.freeze")); err != nil || strings.TrimSpace(string(b)) != "0" {
		t.Errorf("cgroup.freeze is %q, %v", b, err)
	}
}
