package containerd

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test's own program be the stand-in.
func TestMain(m *testing.M) {
	if IsStandIn() {
		os.Exit(StandIn())
	}
	os.Exit(m.Run())
}

func pid() string { return strconv.Itoa(os.Getpid()) }

func read(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// script is a shim that is none.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shim")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// expected is a relay that expects calls for the sandbox x.
func expected(t *testing.T, program string) (*relay, *line) {
	t.Helper()
	r, err := listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.close() })
	l, err := r.expect("x", program)
	if err != nil {
		t.Fatal(err)
	}
	return r, l
}

// A stand-in is the shim in all that its caller can tell, and the shim is this
// process's child.
func TestStandIn(t *testing.T) {
	program := script(t, "read line; echo $PPID $PWD $WORD $line; echo wrong >&2; exit 7")
	_, l := expected(t, program)
	dir := t.TempDir()
	var out, stderr bytes.Buffer
	c := exec.Command(l.standIn, "-namespace", "hapscope", "-id", "x", "start")
	c.Dir, c.Stdin, c.Stdout, c.Stderr = dir, strings.NewReader("options\n"), &out, &stderr
	c.Env = []string{"WORD=here", "KATA_CONF_FILE=/not/this"}
	err := l.during(t.Context(), c.Run)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("err = %v", err)
	}
	if got, want := out.String(), pid()+" "+dir+" here options\n"; got != want || stderr.String() != "wrong\n" {
		t.Errorf("output %q, want %q; error %q", got, want, stderr.String())
	}
}

// The address of a shim is known while there is something to remove, to the next
// hapscope as well.
func TestRemains(t *testing.T) {
	for _, printed := range []string{"unix:///none", `{"version":3,"address":"unix:///none","protocol":"ttrpc"}`} {
		_, l := expected(t, script(t, "echo '"+printed+"'"))
		c := exec.Command(l.standIn, "-id", "x", "start")
		c.Dir = t.TempDir()
		if err := l.during(t.Context(), c.Run); err != nil {
			t.Error(err)
		}
		if got := read(l.record); got != "unix:///none" {
			t.Errorf("recorded is %q", got)
		}
		if address, bundle := l.remains(); address != "unix:///none" || bundle != c.Dir || read(l.record) != "" {
			t.Errorf("remains %q in %q", address, bundle)
		}
	}
}

// Without anybody who waits, and where nothing of a sandbox is asked, a stand-in is the
// shim.
func TestStandInAlone(t *testing.T) {
	r, l := expected(t, script(t, "echo $PPID $*; exit 7"))
	for _, args := range []string{"-info", "-id x delete"} {
		if args != "-info" {
			r.close()
		}
		out, err := exec.Command(l.standIn, strings.Fields(args)...).Output()
		if got := string(out); got != pid()+" "+args+"\n" || err == nil || err.Error() != "exit status 7" {
			t.Errorf("%s: %q, %v", args, got, err)
		}
	}
}

// What a stand-in says when it cannot help, and that nobody is kept waiting.
func TestStandInFails(t *testing.T) {
	r, l := expected(t, "/none/shim")
	run := func(args ...string) string {
		var out []byte
		err := l.during(t.Context(), func() (err error) { out, err = exec.Command(l.standIn, args...).CombinedOutput(); return err })
		if err == nil {
			t.Errorf("%v: no error", args)
		}
		return string(out)
	}
	if got := run("-id", "x", "start"); !strings.Contains(got, "/none/shim: no such file") {
		t.Errorf("a shim that is not there: %q", got)
	}
	if got := run("-id", "y", "start"); !strings.Contains(got, "no sandbox of that id") {
		t.Errorf("a sandbox that is not there: %q", got)
	}
	r.close()
	if got := run("-id", "x", "start"); !strings.Contains(got, "become the shim /none/shim: no such file") {
		t.Errorf("nobody there: %q", got)
	}
}

// Who kills the stand-in means the shim: one that is running, and one that waits for its
// thread.
func TestStandInIsKilled(t *testing.T) {
	_, l := expected(t, script(t, "echo $$; exec sleep 1000"))
	ctx, cancel := context.WithCancel(t.Context())
	c := exec.CommandContext(ctx, l.standIn, "-id", "x", "start")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var shim int
	err = l.during(t.Context(), func() error {
		if err := c.Start(); err != nil {
			return err
		}
		line := make([]byte, 32)
		n, err := out.Read(line)
		shim, _ = strconv.Atoi(strings.TrimSpace(string(line[:n])))
		cancel()
		return errors.Join(err, errors.Unwrap(c.Wait()))
	})
	if err != nil || shim == 0 {
		t.Fatalf("shim %d, %v", shim, err)
	}
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(shim, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the shim lives on")
		}
	}

	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := exec.CommandContext(ctx, l.standIn, "-id", "x", "delete").Run(); err == nil {
		t.Error("nobody came, and it ended well")
	}
	if err := l.during(t.Context(), func() error { time.Sleep(100 * time.Millisecond); return nil }); err != nil {
		t.Error(err)
	}
}

func TestOldEnough(t *testing.T) {
	for version, want := range map[string]bool{
		"v2.2.3": true, "1.7.24~ds1": true, "1.6.20~ds1": true, "v1.6.0-rc.1": true, "devel": true,
		"1.5.9": false, "v0.2.9": false,
	} {
		if err := oldEnough(version); (err == nil) != want {
			t.Errorf("%s: %v", version, err)
		}
	}
}

// What containerds print: of Debian 12 and 13, and of its own releases.
func TestAskProgram(t *testing.T) {
	for out, want := range map[string]string{
		"containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3": "1.6.20~ds1",
		"containerd github.com/containerd/containerd/v2 v2.2.3 0a1b2c3d":              "v2.2.3",
		"containerd containerd.io 1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da":    "1.7.27",
	} {
		version, _, err := askProgram(t.Context(), script(t, "echo '"+out+"'"))
		if err != nil || version != want {
			t.Errorf("%q: %q, %v", out, version, err)
		}
	}
	if _, _, err := askProgram(t.Context(), script(t, "echo hello")); err == nil {
		t.Error("no version is one")
	}
}
