//go:build lab

package cli_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hapscope/internal/testdisk"
	"hapscope/record"
)

// Faults natively (docs/reliability.md): bounded time, a status that says what happened,
// and the other cells go on. Those that need a kernel which can be traced are in faults.sh.

// brief are runs of which a process is stopped or the disk is filled.
func brief() ground { return ground{name: "faults", deadline: 3 * time.Minute} }

// when waits until something is there, and returns it.
func when(t *testing.T, r *attempt, find func() []int) []int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if found := find(); len(found) > 0 {
			return found
		}
		select {
		case <-r.done:
			t.Fatalf("the run has ended:\n%s", r.said(t))
		default:
		}
	}
	t.Fatalf("not there within a minute:\n%s", r.said(t))
	return nil
}

func send(t *testing.T, signal syscall.Signal, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); err != nil {
			t.Error(err)
		}
	}
}

// The load generator, and then the server, are stopped: each repetition ends by its
// deadline and says so, and the next one is measured.
func TestStoppedLoadAndServer(t *testing.T) {
	clean(t)
	file := scenarioFile(t, "{variants: [runc], workloads: [redis-get], repetitions: 0, deadline: 15s, timing: {repetitions: 3, throughput: 3s, latency: 200ms, warm_up: 0s, rate: 20}}")
	dir, temporary := filepath.Join(t.TempDir(), "run"), t.TempDir()
	r := brief().start(t, temporary, []string{"run", "rounds", "--scenarios", file, "--out", dir})
	load := func() []int { return loadGenerator().find(r) }
	send(t, syscall.SIGSTOP, when(t, r, load)...)
	when(t, r, func() []int {
		if timingsIn(dir, 1)(nil) {
			return load() // that of the second repetition
		}
		return nil
	})
	send(t, syscall.SIGSTOP, serverProcess().find(r)...)
	if code := r.wait(t, time.Minute+30*time.Second); code != 5 {
		t.Errorf("exit code %d:\n%s", code, r.said(t))
	}
	clean(t)
	nothingOf(t, temporary, dir)
	timings := read(t, dir).Timings
	if len(timings) != 3 {
		t.Fatalf("%d timings", len(timings))
	}
	for i, what := range []string{"the load generator", "the server"} {
		if x := timings[i]; x.Status != record.Failed || !strings.Contains(x.Reason, "measure the throughput: no end within the deadline of 15s") {
			t.Errorf("%s was stopped: %s: %s", what, x.Status, x.Reason)
		}
	}
	if x := timings[2]; x.Status == record.Failed {
		t.Errorf("nothing was stopped: %s: %s", x.Status, x.Reason)
	}
}

// The process that measures is stopped, and then the run is interrupted: it hears that.
func TestStoppedMeasuringProcess(t *testing.T) {
	clean(t)
	file := scenarioFile(t, "{variants: [runc], workloads: [redis-get], repetitions: 0, timing: {repetitions: 1, throughput: 20s}}")
	dir, temporary := filepath.Join(t.TempDir(), "run"), t.TempDir()
	r := brief().start(t, temporary, []string{"run", "rounds", "--scenarios", file, "--out", dir})
	when(t, r, func() []int { return loadGenerator().find(r) })
	send(t, syscall.SIGSTOP, r.guests()...)
	send(t, syscall.SIGINT, r.cmd.Process.Pid)
	if code := r.wait(t, time.Minute); code != 130 || !strings.Contains(r.said(t), "run --resume") {
		t.Errorf("exit code %d:\n%s", code, r.said(t))
	}
	clean(t)
	nothingOf(t, temporary, dir)
}

// The disk is full in the middle of a run: it ends, with the reason and what to do; with
// space again it goes on.
func TestFullDiskNatively(t *testing.T) {
	clean(t)
	disk := testdisk.New(t, "2m")
	file := scenarioFile(t, "{variants: [runc], workloads: [redis-get], repetitions: 0, deadline: 30s, timing: {repetitions: 3, throughput: "+shortRounds+"}}")
	dir, temporary := filepath.Join(disk, "run"), t.TempDir()
	r := brief().start(t, temporary, []string{"run", "rounds", "--scenarios", file, "--out", dir})
	when(t, r, func() []int {
		if timingsIn(dir, 1)(nil) {
			return []int{1}
		}
		return nil
	})
	free := testdisk.Fill(t, disk)
	if code := r.wait(t, time.Minute); code != 1 || !strings.Contains(r.said(t), "no space left on device") || !strings.Contains(r.said(t), "run --resume") {
		t.Errorf("exit code %d:\n%s", code, r.said(t))
	}
	clean(t)
	kept := lines(dir)
	free()
	r = brief().start(t, temporary, []string{"run", "--resume", dir})
	if code := r.wait(t, time.Minute); code != 0 && code != 5 {
		t.Errorf("exit code %d with space again:\n%s", code, r.said(t))
	}
	clean(t)
	nothingOf(t, temporary, dir)
	if rec := read(t, dir); len(rec.Timings) != 3 || rec.Run.Ended == nil || !strings.HasPrefix(string(lines(dir)), string(kept)) {
		t.Errorf("%d timings, ended %v", len(rec.Timings), rec.Run.Ended)
	}
}
