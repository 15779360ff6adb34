package policy

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/collectors/syscalls"
	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
)

// nabla is a filter as the tender of Nabla has it: see filter/testdata/nabla.c.
//
//go:embed filter/testdata/nabla-64MiB.bpf
var nabla []byte

// role is the environment variable that makes the test binary a helper.
const role = "HAPSCOPE_POLICY_ROLE"

func TestMain(m *testing.M) {
	runtime.LockOSThread()
	switch os.Getenv(role) {
	case "traced":
		unix.RawSyscall(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0)
		fallthrough
	case "nabla":
		confined(nabla, unix.SYS_PPOLL, 0)
	case "sleeper":
		confined(sleeper(), unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&unix.Timespec{Sec: 3600})))
	case "serve":
		if err := Serve(context.Background(), os.Stdout, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "free":
		os.Stdout.WriteString("x")
		time.Sleep(time.Hour)
	}
	runtime.UnlockOSThread()
	os.Exit(m.Run())
}

// sleeper is a filter that allows write and nanosleep, and kills for anything else: also
// for restart_syscall, by which a nanosleep goes on that was interrupted.
func sleeper() (b []byte) {
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SYS_WRITE, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_NANOSLEEP, SkipTrue: 1},
		bpf.RetConstant{Val: 0x7fff0000}, // SECCOMP_RET_ALLOW
		bpf.RetConstant{Val: 0x80000000}, // SECCOMP_RET_KILL_PROCESS
	})
	if err != nil {
		panic(err)
	}
	for _, in := range program {
		b = binary.NativeEndian.AppendUint16(b, in.Op)
		b = binary.NativeEndian.AppendUint32(append(b, in.Jt, in.Jf), in.K)
	}
	return b
}

// confined is a process of which one thread has a filter, tells so, and makes a call again
// and again.
func confined(program []byte, call, argument uintptr) {
	debug.SetGCPercent(-1)
	header := struct {
		n      uint16
		filter unsafe.Pointer
	}{uint16(len(program) / instructionSize), unsafe.Pointer(unsafe.SliceData(program))}
	unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if _, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&header))); errno != 0 {
		fmt.Fprintln(os.Stderr, "install the filter:", errno)
		os.Exit(1)
	}
	tellAndCall(new(byte), call, argument)
}

// tellAndCall never enters the Go scheduler, whose calls would kill the thread: not even
// at the head of a function, where others look whether they should give way.
//
//go:nosplit
func tellAndCall(b *byte, call, argument uintptr) {
	unix.RawSyscall(unix.SYS_WRITE, 1, uintptr(unsafe.Pointer(b)), 1)
	for {
		unix.RawSyscall6(call, argument, 0, 0, 0, 0, 0)
	}
}

// start starts a helper, waits until it is ready, and returns its threads.
func start(t *testing.T, helper string) (pid int, tids []int) {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = []string{role + "=" + helper, "GODEBUG=asyncpreemptoff=1"}
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		tid, _ := strconv.Atoi(e.Name())
		tids = append(tids, tid)
	}
	return c.Process.Pid, tids
}

// able skips the test where this machine lets no filter be read.
func able(t *testing.T) {
	t.Helper()
	if r := ownSeccomp(); !r.Met || os.Geteuid() != 0 {
		t.Skipf("uid %d; %s: %s", os.Geteuid(), r.Name, r.Detail)
	}
}

func names() (all []string) {
	for _, n := range syscalls.Numbers() {
		all = append(all, syscalls.Name(n))
	}
	slices.Sort(all)
	return all
}

// One thread of a process has Nabla's policy, and the others have none.
func TestNabla(t *testing.T) {
	able(t)
	_, tids := start(t, "nabla")
	held, err := readAll(t.Context(), tids)
	if err != nil {
		t.Fatal(err)
	}
	disk := []string{"arg0 = 4 and arg2 = 512 and arg3 ≤ 0x3fffe00"}
	want := map[string][]string{
		"read": {"arg0 = 3"}, "write": {"arg0 ∈ {1, 3}"}, "clock_gettime": {"arg0 ∈ {0, 1}"}, "ppoll": {"arg3 = 0"}, "pread64": disk, "pwrite64": disk,
	}
	filtered := 0
	for _, h := range held {
		if h.Seccomp == record.SeccompOff {
			free(t, h)
			continue
		}
		filtered++
		if h.Unread != "" || h.Filters != 1 || h.Instructions != len(nabla)/instructionSize || !h.NoNewPrivs {
			t.Fatalf("%+v", h)
		}
		if diff := cmp.Diff(want, h.Syscalls.Conditional); diff != "" {
			t.Error(diff)
		}
		if !slices.Equal(h.Syscalls.Allowed, []string{"exit_group"}) || h.Syscalls.Denials["kill-thread"] != len(names())-7 || len(h.Syscalls.Unproven)+len(h.Syscalls.ForeignABIs) > 0 {
			t.Errorf("%+v", h.Syscalls)
		}
	}
	if filtered != 1 || len(held) < 2 {
		t.Errorf("%d of %d threads have a filter", filtered, len(held))
	}
	// It is as it was: read once more.
	again, err := readAll(t.Context(), tids)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(held, again); diff != "" {
		t.Error("the second reading differs:", diff)
	}
}

// A task survives the reading whose policy denies what an interrupted call goes on by.
func TestSleeperSurvives(t *testing.T) {
	able(t)
	pid, tids := start(t, "sleeper")
	asleep := func() string { // in nanosleep, call 35 of the architecture
		var b []byte
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if b, _ = os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid)); strings.HasPrefix(string(b), "35 ") {
				return ""
			}
		}
		return string(b)
	}
	for range 3 {
		if doing := asleep(); doing != "" {
			t.Fatalf("%s: want it in nanosleep", doing)
		}
		held, err := readAll(t.Context(), tids)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(held, func(h collectors.Held) bool { return h.Seccomp == record.SeccompFilter })
		if i < 0 {
			t.Fatal("it is gone")
		}
		if got := held[i].Syscalls; got == nil || !slices.Equal(got.Allowed, []string{"nanosleep", "write"}) || len(got.Conditional) > 0 {
			t.Errorf("%+v", held[i])
		}
	}
	if doing := asleep(); doing != "" {
		t.Errorf("%s: want it in nanosleep", doing)
	}
}

// free checks a task that is under no filter.
func free(t *testing.T, h collectors.Held) {
	t.Helper()
	if h.Unread != "" || !slices.Equal(h.Syscalls.Allowed, names()) || len(h.Syscalls.Denied)+len(h.Syscalls.Conditional) > 0 || !slices.Equal(h.Syscalls.ForeignABIs, []string{"i386", "x32"}) {
		t.Errorf("%+v", h)
	}
}

func TestFree(t *testing.T) {
	able(t)
	pid, tids := start(t, "free")
	held, err := readAll(t.Context(), append(tids, 1<<30)) // and one that is not there
	if err != nil || len(held) == 0 {
		t.Fatalf("%d tasks, %v", len(held), err)
	}
	for _, h := range held {
		free(t, h)
		if h.UID != 0 || !slices.Contains(h.Effective, "CAP_SYS_ADMIN") || !slices.Contains(h.Shared, "user") {
			t.Errorf("%+v", h.Confinement)
		}
	}
	s, err := readStatus(pid)
	if err != nil || s.tracer != 0 {
		t.Errorf("%+v, %v: still attached", s, err)
	}
}

// A task that is traced already says by whom; the others of its process are read.
func TestTraced(t *testing.T) {
	able(t)
	_, tids := start(t, "traced")
	held, err := readAll(t.Context(), tids)
	if err != nil {
		t.Fatal(err)
	}
	want := "it is traced already, by process " + comm(os.Getpid()) + ", and a task has one tracer only"
	traced := 0
	for _, h := range held {
		if h.Seccomp == record.SeccompOff {
			free(t, h)
			continue
		}
		if traced++; h.Unread != want || h.Syscalls != nil || h.Filters != 1 {
			t.Errorf("%+v", h.Confinement)
		}
	}
	if traced != 1 {
		t.Errorf("%d tasks with a filter", traced)
	}
}

func TestParseStatus(t *testing.T) {
	const text = "Name:\tredis\nState:\tS (sleeping)\nTracerPid:\t7\nUid:\t5\t6\t7\t8\nCapBnd:\t00000000a80425fb\nCapEff:\t8000000000000001\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n"
	s, err := parseStatus([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if s.UID != 6 || !s.NoNewPrivs || s.Seccomp != record.SeccompFilter || s.Filters != 3 || s.tracer != 7 ||
		!slices.Equal(s.Effective, []string{"CAP_CHOWN", "CAP_63"}) || len(s.Bounding) != 14 || s.Bounding[13] != "CAP_SETFCAP" {
		t.Errorf("%+v", s)
	}
	if _, err := parseStatus([]byte("State:\tZ (zombie)\n")); !gone(err) {
		t.Error(err)
	}
	if _, err := parseStatus([]byte("State:\tS\n")); err == nil || gone(err) {
		t.Error(err)
	}
}

func TestStrict(t *testing.T) {
	if p := strict(); !slices.Equal(p.Allowed, []string{"exit", "read", "rt_sigreturn", "write"}) || len(p.Allowed)+len(p.Denied) != len(names()) {
		t.Errorf("%+v", p)
	}
}

// Another process reads a child of this one, whose end is waited for all the while.
func TestThrough(t *testing.T) {
	able(t)
	root, err := cgroup.Root()
	if err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(root, fmt.Sprintf("hapscope-test-policy-%d", os.Getpid()))
	if err := cgroup.Create(dir); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := cgroup.Remove(context.Background(), dir); err != nil {
			t.Error(err)
		}
	})
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(c.Process.Pid)), 0); err != nil {
		t.Fatal(err)
	}
	t.Setenv(role, "serve")
	for range 5 {
		held, err := Through("/proc/self/exe")(t.Context(), dir)
		if err != nil || len(held) != 1 || held[0].Process != "sleep" {
			t.Fatalf("%+v, %v", held, err)
		}
		free(t, held[0])
	}
	select {
	case err := <-ended:
		t.Errorf("it seems to have ended: %v", err)
	default:
	}
	c.Process.Kill()
	if _, err := Through("/proc/self/exe")(t.Context(), "/nowhere"); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Error(err)
	}
}
