//go:build lab

package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

// Timing on this machine itself: no VM boots, and the images are what `make lab-ready`
// has built.

// timed writes a scenarios file with one scenario, brief.
func timed(t *testing.T, variants, workloads, timing string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "scenarios.yaml")
	text := fmt.Sprintf("scenarios: {brief: {variants: [%s], workloads: [%s], repetitions: 0, timing: {repetitions: 1, %s}}}\n", variants, workloads, timing)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A run is interrupted, loses its process, loses its parent, and is resumed each time:
// no timing is lost or taken twice, and nothing is left on the machine.
func TestTimeNatively(t *testing.T) {
	clean(t)
	const marker = "markedsecret0815"
	t.Setenv("SOMEBODYS_TOKEN", marker)
	dir := filepath.Join(t.TempDir(), "run")
	file := timed(t, "runc, crun, gvisor-systrap, gvisor-ptrace", "redis-get, python-tornado", "throughput: 200ms, latency: 200ms, warm_up: 100ms")
	resume := []string{"run", "--resume", dir}
	stop(t, dir, 0, timingsIn(dir, 1), interrupt, "run", "brief", "--scenarios", file, "--out", dir).want(t, 130, "run --resume")
	clean(t)
	if n := len(read(t, dir).Timings); n < 1 {
		t.Fatalf("%d timings are left", n)
	}
	stop(t, dir, 0, timingsIn(dir, 3), killChildren, resume...).want(t, 1, "killed", "hapscope bugreport "+dir)
	stop(t, dir, 0, timingsIn(dir, 4), func(t *testing.T, pid int) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}, resume...)
	clean(t) // by the child, whose parent is gone
	hapscope(t, append(resume, "-v")...).want(t, 0)
	clean(t)

	testrecord.Validate(t, dir)
	// What was said is kept: this process's words and its child's, with each command.
	log, err := record.ReadFile(dir, record.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"killed", "guest time", "--root /run/hapscope/oci/", " seconds=", "timed repetitions"} {
		if !strings.Contains(string(log), want) {
			t.Errorf("run.log does not say %q", want)
		}
	}
	// Whatever is in the environment gets neither into the record nor into a bug report.
	report := filepath.Join(t.TempDir(), "report.tar.gz")
	hapscope(t, "bugreport", "--no-doctor", "--out", report, dir).want(t, 0, "run/run.log")
	for _, root := range []string{dir, unpackInto(t, report)} {
		filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			if b, err := os.ReadFile(path); err != nil || strings.Contains(string(b), marker) {
				t.Errorf("%s holds the value of a variable, or cannot be read: %v", path, err)
			}
			return nil
		})
	}
	rec := read(t, dir)
	if len(rec.Timings) != 8 || len(rec.Results) != 0 || rec.Run.Ended == nil || rec.Run.Timed[record.Native].Machine == nil {
		t.Errorf("%d timings, %d results, ended %v, timed at %+v", len(rec.Timings), len(rec.Results), rec.Run.Ended, rec.Run.Timed)
	}
	for _, r := range rec.Timings {
		// A busy machine may keep the generator from its rate, which then is said.
		if r.Status != record.OK && (r.Status != record.Degraded || r.Latency != nil || !strings.Contains(r.Reason, "requests a second")) {
			t.Errorf("%s is %s: %s", r.Cell(), r.Status, r.Reason)
		}
		if r.Place != record.Native || r.StartUp == nil || r.Throughput == nil || r.Throughput.CPU <= 0 || r.Memory == nil || r.Memory.Steady < 1<<20 {
			t.Errorf("%s: %+v", r.Cell(), r)
		}
	}
}

// unpackInto unpacks an archive.
func unpackInto(t *testing.T, archive string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if out, err := exec.Command("tar", "xzf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// A server that dies in the middle of the load is no number.
func TestDeadServerIsNoTiming(t *testing.T) {
	for workload, names := range map[string][2]string{"redis-set": {"redis-benchmark", "redis-server"}, "python-tornado": {"python3", "python3"}} {
		t.Run(workload, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			cmd, out := command(t, "run", "brief", "--scenarios", timed(t, "runc", workload, "throughput: 20s, warm_up: 0s"), "--out", dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			killed := make(chan bool)
			go func() {
				defer close(killed)
				for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
					// After the rehearsal, and when the load has begun.
					if strings.Contains(out.stderr.String(), "rehearsed") && len(processes(names[0])) > 0 {
						time.Sleep(2 * time.Second)
						for _, pid := range processes(names[1]) {
							if inHapscope(pid) {
								syscall.Kill(pid, syscall.SIGKILL)
							}
						}
						return
					}
				}
			}()
			r := finished(t, cmd, out, cmd.Wait())
			<-killed
			r.want(t, 5, "1 failed")
			timings := read(t, dir).Timings
			if len(timings) != 1 || timings[0].Status != record.Failed || timings[0].StartUp != nil || !strings.Contains(timings[0].Reason, "measure the throughput") {
				t.Errorf("timings = %+v", timings)
			}
			clean(t)
		})
	}
}

// timingsIn is when n timings are on disk.
func timingsIn(dir string, n int) moment {
	return func(*outputs) bool {
		content, err := os.ReadFile(filepath.Join(dir, "timings.jsonl"))
		return err == nil && bytes.Count(content, []byte("\n")) >= n
	}
}

// processes are those of a name.
func processes(name string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || strings.TrimSpace(string(b)) != name {
			continue
		}
		var pid int
		fmt.Sscanf(f, "/proc/%d/comm", &pid)
		pids = append(pids, pid)
	}
	return pids
}

// inHapscope reports whether a process is in a cgroup of ours.
func inHapscope(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return strings.Contains(string(b), "0::/hapscope/")
}
