//go:build lab

package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes"
)

// engine stands for one that does what real ones hardly ever do when a test wants it. Its
// processes are real, and enter the cgroup by themselves: if they were forked into it, which
// is frozen, this process would wait for them within vfork(2), and where it has one CPU it
// would never get to thaw the cgroup.
type engine struct {
	script   string
	address  string
	refuses  error // of Create
	lateKill error // of Kill, when the process has ended
	awaited  bool  // Start waits for the end
	command  *exec.Cmd
	output   bytes.Buffer
	ended    bool
	removed  int
}

func (e *engine) Place(context.Context) (Place, error) {
	return Place{Dir: fmt.Sprintf("%s/container-test-%d", Parent, os.Getpid()), Daemon: true}, nil
}

func (e *engine) Create(context.Context) error { return e.refuses }

func (e *engine) Start(ctx context.Context) error {
	root, err := cgroup.Root()
	if err != nil {
		return err
	}
	p, _ := e.Place(ctx)
	entered, entering, err := os.Pipe()
	if err != nil {
		return err
	}
	defer entered.Close()
	e.command = exec.Command("sh", "-c", fmt.Sprintf("echo $$ >%q; exec 3>&-; %s", filepath.Join(root, p.Dir, "cgroup.procs"), e.script))
	e.command.Stdout, e.command.Stderr, e.command.ExtraFiles = &e.output, &e.output, []*os.File{entering}
	err = errors.Join(e.command.Start(), entering.Close())
	if err != nil {
		return err
	}
	// As a daemon does, it answers when the process has come so far.
	if _, err := entered.Read(make([]byte, 1)); err != io.EOF {
		return fmt.Errorf("wait for the process: %w", err)
	}
	if e.awaited {
		e.wait()
	}
	return nil
}

func (e *engine) wait() {
	e.command.Wait()
	e.ended = true
}

func (e *engine) State(context.Context) (State, error) {
	if e.ended {
		return State{ExitCode: e.command.ProcessState.ExitCode()}, nil
	}
	return State{PID: e.command.Process.Pid, Running: true, Address: e.address}, nil
}

func (e *engine) Output() string { return strings.TrimSpace(e.output.String()) }

func (e *engine) Kill(context.Context) error {
	e.command.Process.Kill()
	e.wait()
	return e.lateKill
}

func (e *engine) Remove(context.Context) error { e.removed++; return nil }

// nothing fails the test for what is left of a sandbox.
func (e *engine) nothing(t *testing.T) {
	t.Helper()
	root, err := cgroup.Root()
	p, _ := e.Place(t.Context())
	if err != nil || cgroup.Exists(filepath.Join(root, p.Dir)) || e.removed != 1 {
		t.Errorf("%v; its cgroup is there, or it was removed %d times", err, e.removed)
	}
}

func spec() runtimes.Spec {
	return runtimes.Spec{ID: "x", Process: record.Process{Args: []string{"/bin/server"}}}
}

func TestLife(t *testing.T) {
	e := &engine{script: "echo up; kill -STOP $$", address: "10.0.0.2", lateKill: errors.New("is not running")}
	s := spec()
	var adopted []string
	s.Adopt = func(dir string) error { adopted = append(adopted, dir); return nil }
	var roles Roles
	c, err := Create(t.Context(), s, e, &roles)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Start(t.Context()), c.Running(t.Context())); err != nil {
		t.Error(err)
	}
	if len(adopted) != 2 || adopted[0] != c.Cgroup() || c.Address() != e.address || roles.Of(record.Thread{Command: "sh"}) != record.RoleShim {
		t.Errorf("adopted %v, address %s", adopted, c.Address())
	}
	// That the process has ended between the question and the kill is no error.
	if err := errors.Join(c.Delete(t.Context()), c.Delete(t.Context())); err != nil {
		t.Error(err)
	}
	if err := c.Running(t.Context()); err == nil || !strings.Contains(err.Error(), "was deleted") || c.Output() != "up" {
		t.Errorf("%v; output %q", err, c.Output())
	}
	e.nothing(t)
}

func TestFaults(t *testing.T) {
	refused := &engine{refuses: errors.New("no such runtime")}
	if _, err := Create(t.Context(), spec(), refused, &Roles{}); !errors.Is(err, refused.refuses) || !strings.HasPrefix(err.Error(), "create sandbox x: ") {
		t.Errorf("err = %v", err)
	}
	refused.nothing(t)
	for want, e := range map[string]*engine{
		"/bin/server in container x has ended (exit code 3); its last output:\nno configuration": {script: "echo no configuration; exit 3", awaited: true},
		"/bin/server in container x has ended (exit code 4), without any output":                 {script: "exit 4", awaited: true},
		"container hapscope-x has no IP address":                                                 {script: "kill -STOP $$"},
	} {
		c, err := Create(t.Context(), spec(), e, &Roles{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(t.Context()); err == nil || err.Error() != want {
			t.Errorf("err = %v, want %s", err, want)
		}
		if err := c.Delete(t.Context()); err != nil {
			t.Error(err)
		}
		e.nothing(t)
	}
}
