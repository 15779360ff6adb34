//go:build lab

package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// victim is what is killed in a round: one of the processes that find returns, or all.
type victim struct {
	name   string
	signal syscall.Signal
	all    bool
	itself bool // the command kills it
	find   func(*attempt) []int
}

// Only what the attempt has started is killed, and its sandboxes: another's hapscope may be
// at work on the machine.

func hapscopeItself() victim {
	return victim{name: "hapscope", signal: syscall.SIGKILL, find: func(r *attempt) []int { return []int{r.cmd.Process.Pid} }}
}

// measuringProcess is the one with the native place, which outlives hapscope for long
// enough to put its sandbox away.
func measuringProcess() victim {
	return victim{name: "measuring process", signal: syscall.SIGKILL, find: func(r *attempt) []int { return r.guests() }}
}

// bothProcesses leaves nobody who could put anything away.
func bothProcesses() victim {
	return victim{name: "hapscope and measuring process", signal: syscall.SIGKILL, all: true, find: func(r *attempt) []int {
		if guests := r.guests(); len(guests) > 0 {
			return append(guests, r.cmd.Process.Pid)
		}
		return nil
	}}
}

// runtimeCommand is runc or runsc at work. Not so the trial whether gVisor runs at all:
// without it the variant is skipped, rightly.
func runtimeCommand() victim {
	return victim{name: "runtime", signal: syscall.SIGKILL, find: func(r *attempt) (pids []int) {
		for _, pid := range marked(r.temporary) {
			line := cmdline(pid)
			if bytes.Contains(line, []byte("/run/hapscope/oci")) && !bytes.Contains(line, []byte("/oci/probe-")) && !inHapscope(pid) {
				pids = append(pids, pid)
			}
		}
		return pids
	}}
}

// serverProcess is any process in the sandbox: the server, or gVisor's parts.
func serverProcess() victim {
	return victim{name: "server in the sandbox", signal: syscall.SIGKILL, find: func(r *attempt) (pids []int) {
		for _, owner := range append(r.guests(), r.cmd.Process.Pid) {
			groups, _ := filepath.Glob(fmt.Sprintf("/sys/fs/cgroup/hapscope/*-%d", owner))
			unified, _ := filepath.Glob(fmt.Sprintf("/sys/fs/cgroup/unified/hapscope/*-%d", owner))
			for _, group := range append(groups, unified...) {
				content, _ := os.ReadFile(filepath.Join(group, "cgroup.procs"))
				for _, f := range strings.Fields(string(content)) {
					if pid, err := strconv.Atoi(f); err == nil {
						pids = append(pids, pid)
					}
				}
			}
		}
		return pids
	}}
}

// loadGenerator is redis-benchmark. The load of what is counted is hapscope's own.
func loadGenerator() victim {
	return victim{name: "load generator", signal: syscall.SIGKILL, find: func(r *attempt) (pids []int) {
		for _, pid := range marked(r.temporary) {
			if bytes.HasPrefix(cmdline(pid), []byte("/usr/bin/redis-benchmark\x00")) {
				pids = append(pids, pid)
			}
		}
		return pids
	}}
}

func qemu(name string, signal syscall.Signal) victim {
	return victim{name: name, signal: signal, all: true, find: func(r *attempt) (pids []int) {
		for _, pid := range marked(r.temporary) {
			if emulator.Match(cmdline(pid)) {
				pids = append(pids, pid)
			}
		}
		return pids
	}}
}

// guestAgent is killed by the command that runs beside the run, in the lab.
func guestAgent() victim { return victim{name: "guest agent", itself: true} }

// guests are the processes in which an attempt measures natively.
func (r *attempt) guests() (pids []int) {
	for _, pid := range childrenOf(r.cmd.Process.Pid) {
		if ownWork.Match(cmdline(pid)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func cmdline(pid int) []byte {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return b
}

// marked are the processes whose directory for temporary files is this one: those that a
// command has started, whoever is their parent now.
func marked(temporary string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		if !bytes.Contains(append([]byte{0}, b...), []byte("\x00TMPDIR="+temporary+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

const shortRounds = "200ms, latency: 200ms, warm_up: 100ms, rate: 20"

// On the machine itself, where a run without kernel functions takes seconds.
func TestSurviveNatively(t *testing.T) {
	clean(t)
	file := scenarioFile(t, "{variants: [runc, gvisor-systrap], workloads: [redis-get], repetitions: 0, retries: 1, deadline: 30s, timing: {repetitions: 2, throughput: "+shortRounds+"}}")
	ground{
		name: "this machine", rounds: 6, poll: time.Millisecond, deadline: 3 * time.Minute,
		victims: []victim{hapscopeItself(), measuringProcess(), bothProcesses(), runtimeCommand(), serverProcess(), loadGenerator()},
		begin: func(dir string, _ *victim, _ float64) []string {
			return []string{"run", "rounds", "--scenarios", file, "--out", dir}
		},
		again: func(dir string, _ *victim, _ float64) []string { return []string{"run", "--resume", dir} },
	}.survive(t)
}

// counted are four repetitions of which kernel functions are counted, as short as can be.
const counted = "workloads: [redis-set], lifecycle_repetitions: 1, retries: 1, settle: 200ms, idle: 0s, deadline: 2m, load: {requests: 20, warm_up: 20}"

// In the lab, with the run on the lab's own kernel: this test calls the next one there.
func TestSurviveInLab(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"lab", "exec", "--share", dir + ":rw", "--env", "HAPSCOPE=/run/hapscope/hapscope", "--env", insideVariable + "=1", "--env", "HAPSCOPE_TABLE=" + filepath.Join(dir, "table")}
	for _, name := range []string{"HAPSCOPE_SEED", "HAPSCOPE_ROUNDS", "HAPSCOPE_ROUND"} {
		if v := os.Getenv(name); v != "" {
			args = append(args, "--env", name+"="+v)
		}
	}
	r := hapscope(t, append(args, "--", self, "-test.v", "-test.timeout=3h", "-test.run=^TestSurviveInside$")...)
	r.want(t, 0, "--- PASS: TestSurviveInside")
	noVMs(t)
	if path := os.Getenv("HAPSCOPE_TABLE"); path != "" {
		rows, err := os.ReadFile(filepath.Join(dir, "table"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.Write(rows)
	}
}

const insideVariable = "HAPSCOPE_TEST_INSIDE"

func TestSurviveInside(t *testing.T) {
	if os.Getenv(insideVariable) == "" {
		t.Skip("TestSurviveInLab calls this in the lab")
	}
	clean(t)
	file := scenarioFile(t, "{variants: [runc, crun], repetitions: 2, where: host, "+counted+"}")
	ground{
		name: "the lab's kernel", rounds: 2, poll: 5 * time.Millisecond, deadline: 10 * time.Minute,
		victims: []victim{hapscopeItself(), serverProcess(), runtimeCommand()},
		begin: func(dir string, _ *victim, _ float64) []string {
			return []string{"run", "rounds", "--scenarios", file, "--out", dir}
		},
		again: func(dir string, _ *victim, _ float64) []string { return []string{"run", "--resume", dir} },
	}.survive(t)
}

// With a lab of its own for each command: minutes a round. `make soak` has them played;
// TestMeasureAndReport has one such loss in each `make test`.
func TestSurviveOutside(t *testing.T) {
	if number("HAPSCOPE_ROUNDS", 0) == 0 {
		t.Skip("make soak plays these rounds: each boots two machines")
	}
	here, there := scenarioFile(t, "{variants: [runc], repetitions: 4, where: lab, "+counted+"}"), scenarioFile(t, "{variants: [runc], repetitions: 4, where: host, "+counted+"}")
	exec := func(dir, script string) []string {
		return []string{"lab", "exec", "--share", filepath.Dir(dir) + ":rw", "--share", filepath.Dir(there), "--", "sh", "-c", script}
	}
	ground{
		name: "a lab for each run", poll: 20 * time.Millisecond, deadline: 15 * time.Minute,
		victims: []victim{hapscopeItself(), qemu("QEMU", syscall.SIGKILL), guestAgent(), qemu("QEMU, stopped", syscall.SIGSTOP)},
		begin: func(dir string, v *victim, seconds float64) []string {
			if v != nil && v.itself {
				// The machine boots and ends besides, which is some 20 s.
				return exec(dir, fmt.Sprintf("(sleep %.1f; kill -KILL $(pgrep -of ^hapscope-lab-agent)) & /run/hapscope/hapscope run rounds --scenarios %s --out %s", max(0, seconds-20), there, dir))
			}
			return []string{"run", "rounds", "--scenarios", here, "--out", dir}
		},
		again: func(dir string, v *victim, _ float64) []string {
			if v != nil && v.itself {
				return exec(dir, "/run/hapscope/hapscope run --resume "+dir)
			}
			return []string{"run", "--resume", dir}
		},
	}.survive(t)
	noVMs(t)
}

// scenarioFile writes one scenario, rounds.
func scenarioFile(t *testing.T, scenario string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "scenarios.yaml")
	if err := os.WriteFile(file, []byte("scenarios:\n  rounds: "+scenario+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
