package guest

import (
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"hapscope/lab/wire"
)

// start runs a request as the agent does, over a session of two pipes.
func startCommand(t *testing.T, r wire.Request) (control, stdin net.Conn, output func() (string, string)) {
	t.Helper()
	a, b := net.Pipe()
	host, err := wire.Host(a)
	if err != nil {
		t.Fatal(err)
	}
	session, err := wire.Guest(b)
	if err != nil {
		t.Fatal(err)
	}
	go serve(session)
	t.Cleanup(func() { host.Close() })
	var conns []net.Conn
	for _, k := range []wire.Kind{wire.Stdin, wire.Stdout, wire.Stderr, wire.Control} {
		c, err := host.Open()
		if err != nil {
			t.Fatal(err)
		}
		h := wire.Header{Command: 1, Kind: k}
		if k == wire.Control {
			h.Request = &r
		}
		if err := wire.Write(c, h); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	return conns[3], conns[0], func() (string, string) {
		out, err1 := io.ReadAll(conns[1])
		errs, err2 := io.ReadAll(conns[2])
		if err1 != nil || err2 != nil {
			t.Errorf("read the output: %v, %v", err1, err2)
		}
		return string(out), string(errs)
	}
}

func exitOf(t *testing.T, control net.Conn) (e wire.Exit) {
	t.Helper()
	if err := wire.ReadLine(control, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCommand(t *testing.T) {
	tests := []struct {
		name           string
		request        wire.Request
		stdin          string
		code           int
		stdout, stderr string
	}{
		{"streams", wire.Request{Args: []string{"sh", "-c", "cat; echo b >&2; exit 3"}}, "a", 3, "a", "b\n"},
		{"environment and directory", wire.Request{Args: []string{"sh", "-c", "echo $X; pwd"}, Env: []string{"X=1"}, Dir: "/usr"}, "", 0, "1\n/usr\n", ""},
		{"killed", wire.Request{Args: []string{"sh", "-c", "kill -TERM $$"}}, "", 128 + 15, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			control, stdin, output := startCommand(t, test.request)
			io.WriteString(stdin, test.stdin)
			stdin.Close()
			out, errs := output()
			if e := exitOf(t, control); e.Code != test.code || e.Error != "" || out != test.stdout || errs != test.stderr {
				t.Errorf("exit %+v, stdout %q, stderr %q", e, out, errs)
			}
		})
	}
}

func TestCommandNotStarted(t *testing.T) {
	for name, want := range map[string]int{"no-such-command": notFound, "/no/such/file": notFound, "/etc/passwd": notExecutable} {
		control, _, _ := startCommand(t, wire.Request{Args: []string{name}})
		if e := exitOf(t, control); e.Code != want || e.Error == "" {
			t.Errorf("%s: %+v, want code %d", name, e, want)
		}
	}
}

func TestSignalReachesGroup(t *testing.T) {
	// Who starts the tests in the background of a script has SIGINT ignored, which
	// children inherit, and a shell cannot trap what was ignored from the start.
	// What is caught is not inherited.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGINT)
	defer signal.Stop(caught)
	// The shell waits for its child: both get the signal, or this test hangs.
	control, _, output := startCommand(t, wire.Request{Args: []string{"sh", "-c", "trap 'exit 9' INT; sleep 1000"}})
	send := func() error { return wire.Write(control, wire.Order{Signal: int(syscall.SIGINT)}) }
	if err := send(); err != nil {
		t.Fatal(err)
	}
	// Again and again: the shell may get one when it has set the trap and has no child yet.
	ended := make(chan struct{})
	go func() {
		for send() == nil {
			select {
			case <-ended:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	output()
	close(ended)
	// Before the trap was set, the signal kills the shell itself.
	if e := exitOf(t, control); e.Code != 9 && e.Code != 128+int(syscall.SIGINT) {
		t.Errorf("exit %+v", e)
	}
}

func TestTerminal(t *testing.T) {
	if _, err := os.Stat("/dev/ptmx"); err != nil {
		t.Skip("this machine has no pseudo-terminals")
	}
	control, _, output := startCommand(t, wire.Request{Args: []string{"sh", "-c", "stty size; exit 2"}, TTY: true, Size: wire.Size{Rows: 33, Cols: 99}})
	out, _ := output()
	if e := exitOf(t, control); e.Code != 2 || strings.TrimSpace(out) != "33 99" {
		t.Errorf("exit %+v, said %q", e, out)
	}
}

func TestCPUFlags(t *testing.T) {
	// Captured from a lab, shortened.
	flags := cpuFlags("processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu vme svm npt\nbugs\t\t: vmx_like\n\nprocessor\t: 1\nflags\t\t: other\n")
	if !flags["svm"] || flags["vmx"] || flags["other"] {
		t.Errorf("got %v", flags)
	}
	if got := moduleName("07-kvm_amd.ko"); got != "kvm_amd" {
		t.Errorf("got %q", got)
	}
}

func TestIsInit(t *testing.T) {
	if IsInit() {
		t.Error("a test is not the init of a lab")
	}
}
