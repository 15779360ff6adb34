//go:build lab

package labtest

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hapscope/collectors/exercise"
)

// role is the environment variable that makes the test binary a helper.
const role = "HAPSCOPE_LABTEST_ROLE"

// Roles of a helper.
const (
	// Wait: serve the standard exercise.
	Wait = "wait"
	// Now: perform the standard exercise and exit.
	Now = "now"
	// Fork: run Children helpers with role Now, one after the other, and exit.
	Fork = "fork"
	// Uring: have the kernel poll an io_uring, and wake its thread up for each byte.
	Uring = "uring"
	// Tender: install seccomp filters between calls; see tenderRounds.
	Tender = "tender"
)

// Children is how many helpers Fork makes; Own is how often a launcher calls
// getppid itself, which must not be counted.
const (
	Children = 3
	Own      = 1234
)

// Main runs the tests, or the role that the environment gives. Roles of a
// package's own go in more.
func Main(m *testing.M, more map[string]func() error) {
	var err error
	switch r := os.Getenv(role); {
	case r == "":
		os.Exit(m.Run())
	case more[r] != nil:
		err = more[r]()
	case r == Wait:
		err = exercise.Standard().Serve(os.Stdin, os.Stdout)
	case r == Now:
		err = exercise.Standard().Run()
	case r == Uring:
		err = uring()
	case r == Tender:
		err = tender()
	case r == Fork:
		for range Children {
			c := Command(Now)
			c.Stderr = os.Stderr
			if err = c.Run(); err != nil {
				break
			}
		}
	default:
		err = fmt.Errorf("no role %s", r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Getppid calls getppid n times, from one thread and with nothing around it.
func Getppid(n int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range n {
		unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	}
}

// Command is the test binary in a role, not started.
func Command(r string) *exec.Cmd {
	c := exec.Command("/proc/self/exe")
	c.Env = append(exercise.Environment(), role+"="+r)
	return c
}

// Start starts a helper in a cgroup, or in this process's where dir is empty.
func Start(t *testing.T, dir string) *exercise.Performer { return StartRole(t, dir, Wait) }

// StartRole starts a helper in another role that answers as Wait does.
func StartRole(t *testing.T, dir, role string) *exercise.Performer {
	t.Helper()
	p := StartIdle(t, dir, role)
	Perform(t, p) // so that what the Go runtime does at its start is behind it
	return p
}

// StartIdle starts a helper that has performed nothing yet.
func StartIdle(t *testing.T, dir, role string) *exercise.Performer {
	t.Helper()
	command := Command(role)
	if dir != "" {
		fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		command.SysProcAttr = &unix.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	}
	p, err := exercise.Start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Perform has the exercise performed.
func Perform(t *testing.T, p *exercise.Performer) {
	t.Helper()
	if err := p.Perform(); err != nil {
		t.Fatal(err)
	}
}

// Launch runs f on a thread of its own that ends afterwards: a launcher's.
func Launch(f func(tid int) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- f(unix.Gettid())
	}()
	return <-done
}

// Forever blocks until killed.
func Forever() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGTERM)
	<-c
}

// Leftovers reports what this process has left in the tracing directory: trace
// instances, and functions that still call a tracer.
func Leftovers(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir("/sys/kernel/tracing/instances")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "hapscope") && strings.Contains(e.Name(), fmt.Sprintf("-%d-", os.Getpid())) {
			t.Errorf("trace instance %s is left", e.Name())
		}
	}
	b, err := os.ReadFile("/sys/kernel/tracing/enabled_functions")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), "\n"); n > 0 {
		t.Errorf("%s functions still call a tracer", strconv.Itoa(n))
	}
}

// OlderKernel fails the test if the running kernel is at least of a version that
// is known to have what is missing; otherwise it says what is missing.
func OlderKernel(t *testing.T, major, minor int, missing string) {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	var a, b int
	if _, err := fmt.Sscanf(release, "%d.%d", &a, &b); err != nil {
		t.Fatal(err)
	}
	if a > major || a == major && b >= minor {
		t.Fatalf("Linux %s: %s", release, missing)
	}
	t.Logf("Linux %s: %s", release, missing)
}
