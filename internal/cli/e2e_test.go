//go:build lab

package cli_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hapscope/analysis"
	"hapscope/internal/testrecord"
	"hapscope/record"
)

// These tests are a user's: they call the binary, boot the lab, and measure real
// runtimes on a real kernel. The binary is the one that HAPSCOPE names, so that
// what is tested is what `make build` leaves.
func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("HAPSCOPE")
	if path == "" {
		t.Fatal("HAPSCOPE must name the binary under test: use `make test-lab`")
	}
	return path
}

// ran is what a finished command left.
type ran struct {
	code           int
	stdout, stderr string
}

func hapscope(t *testing.T, args ...string) ran {
	t.Helper()
	cmd, out := command(t, args...)
	err := cmd.Run()
	return finished(t, cmd, out, err)
}

type outputs struct {
	stdout, stderr output
	temporary      string // directory for its temporary files
}

// output can be read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func command(t *testing.T, args ...string) (*exec.Cmd, *outputs) {
	t.Helper()
	var out outputs
	cmd := exec.Command(binary(t), args...)
	cmd.Stdout, cmd.Stderr = &out.stdout, &out.stderr
	out.temporary = t.TempDir()
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "TMPDIR="+out.temporary)
	t.Log("hapscope", strings.Join(args, " "))
	return cmd, &out
}

func finished(t *testing.T, cmd *exec.Cmd, out *outputs, err error) ran {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := ran{cmd.ProcessState.ExitCode(), out.stdout.String(), out.stderr.String()}
	t.Logf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	if left, err := os.ReadDir(out.temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind in the directory for temporary files: %v, %v", left, err)
	}
	return r
}

func (r ran) want(t *testing.T, code int, fragments ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, f := range fragments {
		if !strings.Contains(r.stdout+r.stderr, f) {
			t.Errorf("the output lacks %q", f)
		}
	}
}

// Real cells of runc and of gVisor, through the CLI. The run loses its VM, is
// resumed, interrupted and resumed again: no finished repetition is lost or measured
// twice. Then everything that a user does with a record.
// policies checks what was read of the sandboxes' policies.
func policies(t *testing.T, rec *record.Record) {
	t.Helper()
	r := analysis.New(rec)
	reachable := map[string]int{}
	for _, u := range r.Uses() {
		reachable[u.Variant] = u.All.Reachable()
		if n, ok := u.Ratio(); !ok || n <= 0 || n >= 1 || len(u.Beyond) > 0 {
			t.Errorf("%s: used ÷ reachable is %v, %v; used beyond it: %v", u.Cell, n, ok, u.Beyond)
		}
	}
	t.Logf("reachable: %v", reachable)
	if reachable["runc"] < 200 || reachable["gvisor-systrap"] < 60 || reachable["gvisor-systrap"] >= reachable["runc"] {
		t.Errorf("reachable system calls: %v", reachable)
	}
}

func TestMeasureAndReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	stop(t, dir, 1, resultsIn(dir, 1), killChildren, "run", "quick", "--variants", "runc,gvisor-systrap", "--workloads", "redis-set",
		"--repetitions", "1", "--out", dir).
		want(t, 5, "the lab VM died", "run --resume")
	stop(t, dir, 1, printed("lab: ready"), interrupt, "run", "--resume", dir).
		want(t, 130, "run --resume")
	hapscope(t, "run", "--resume", dir).want(t, 0, "runc", "gvisor-systrap", "report.html")
	noVMs(t)

	testrecord.Validate(t, dir)
	rec := read(t, dir)
	seen := map[record.Cell]bool{}
	for _, r := range rec.Results {
		seen[r.Cell()] = true
	}
	if len(rec.Results) != 2 || len(seen) != 2 || rec.Run.Ended == nil {
		t.Errorf("%d results of %d cells after the resume, ended %v", len(rec.Results), len(seen), rec.Run.Ended)
	}
	for _, r := range rec.Results {
		if r.Status != record.OK {
			t.Errorf("%s #%d is %s: %s", r.Cell(), r.Repetition, r.Status, r.Reason)
		}
		if r.Load == nil || r.Load.Correct != rec.Run.Plan.Load.Requests {
			t.Errorf("%s #%d: load %+v", r.Cell(), r.Repetition, r.Load)
		}
	}
	size := func(variant string, p record.Phase) int {
		for _, r := range rec.Results {
			if phase := r.Phase(p); r.Variant == variant && phase != nil {
				return len(phase.Functions[record.InProcess])
			}
		}
		return 0
	}
	// Wide bounds around what was published and tried: a count outside of them
	// means that attribution or the universe is broken, not that a kernel changed.
	runc, gvisor, boot := size("runc", record.Steady), size("gvisor-systrap", record.Steady), size("runc", record.Boot)
	t.Logf("steady: runc %d, gvisor-systrap %d; boot of runc %d", runc, gvisor, boot)
	if runc < 300 || runc > 1500 || gvisor < 200 || gvisor > 1200 {
		t.Errorf("steady: runc %d, gvisor-systrap %d functions are outside of all that was ever seen", runc, gvisor)
	}
	if runc <= gvisor {
		t.Errorf("steady: runc %d functions, gvisor-systrap %d: runc must not be the lowest", runc, gvisor)
	}
	if boot <= 2*runc {
		t.Errorf("boot of runc has %d functions, want more than twice the %d of steady", boot, runc)
	}

	for _, f := range []string{"report.html", "steady.png", "steady.svg", "results.csv"} {
		if info, err := os.Stat(filepath.Join(dir, f)); err != nil || info.Size() < 500 {
			t.Errorf("%s: %v", f, err)
		}
	}
	rows := hapscope(t, "report", dir, "-o", "csv=-")
	rows.want(t, 0, "runc,redis-set,1,steady,process,allowed-syscalls,", "gvisor-systrap,redis-set,1,steady,role:gofer,denied-syscalls,")
	policies(t, rec)
	table, err := csv.NewReader(strings.NewReader(rows.stdout)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(table[0], ","); got != "variant,workload,repetition,phase,context,metric,value,unit,status" {
		t.Errorf("columns %s", got)
	}
	names := hapscope(t, "functions", dir, "--variant", "runc", "--workload", "redis-set", "--phase", "steady", "--context", "process")
	names.want(t, 0, "tcp_sendmsg\n")
	if lines := strings.Split(strings.TrimSpace(names.stdout), "\n"); !slices.IsSorted(lines) {
		t.Error("the names are not sorted")
	}
	hapscope(t, "functions", dir, "--variant", "rnuc").want(t, 2, `did you mean "runc"?`)
	budgets := filepath.Join(t.TempDir(), "scenarios.yaml")
	if err := os.WriteFile(budgets, []byte("scenarios: {quick: {variants: [runc], workloads: [redis-set]}}\nbudgets: [{phases: [steady], max: 10}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	hapscope(t, "run", "--resume", dir, "--check", "--scenarios", budgets).want(t, 4, "nothing is left", "more than 10")
	hapscope(t, "run", "--resume", dir).want(t, 0, "nothing is left")
}

// stop starts a command that measures into dir and stops it at a moment, when that
// many repetitions are on disk, of which none may be lost.
func stop(t *testing.T, dir string, results int, at moment, how func(*testing.T, int), args ...string) ran {
	t.Helper()
	cmd, out := command(t, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Minute); !at(out); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not there within five minutes; until then:\n%s", out.stderr.String())
		}
	}
	how(t, cmd.Process.Pid)
	r := finished(t, cmd, out, cmd.Wait())
	noVMs(t)
	if kept := len(read(t, dir).Results); kept < results {
		t.Fatalf("%d of %d finished repetitions are left", kept, results)
	}
	return r
}

// moment reports whether a command has come so far.
type moment func(*outputs) bool

// resultsIn is when n repetitions are on disk.
func resultsIn(dir string, n int) moment {
	return func(*outputs) bool {
		content, err := os.ReadFile(filepath.Join(dir, "results.jsonl"))
		return err == nil && bytes.Count(content, []byte("\n")) >= n
	}
}

// printed is when the command has told people something.
func printed(text string) moment {
	return func(out *outputs) bool { return strings.Contains(out.stderr.String(), text) }
}

func killChildren(t *testing.T, pid int) {
	for _, child := range children(t, pid) {
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
}

func interrupt(t *testing.T, pid int) {
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// Host mode, tried where there is a host that may be used: inside the lab. One
// VM serves for all faults; after each the same sweep must find nothing.
func TestFaultsOnTheHost(t *testing.T) {
	script := filepath.Join(t.TempDir(), "faults.sh")
	content, err := os.ReadFile("testdata/faults.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, content, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := hapscope(t, "lab", "exec", "--share", filepath.Dir(script), "--share", filepath.Dir(self), "--env", "SWEEP="+self, "--", "sh", script)
	r.want(t, 0, "all faults were handled")
	noVMs(t)
}

// The questions of `hapscope selftest` take a quarter of an hour in an emulated lab.
// These two tests ask what no other one asks; ftrace and ebpf are asked whether they
// count right in the tests of their packages. `make selftest` asks everybody everything.

// bcc, the counters of virtual machines and vhost and those of system calls count right beside a
// noisy neighbour, and bcc sees what ftrace sees of a server that answers requests.
func TestSelfTestOfBCC(t *testing.T) {
	hapscope(t, "selftest", "--collector", "ftarce").want(t, 2, `did you mean "ftrace"?`)
	busy := "tcp_sendmsg,tcp_recvmsg,tcp_poll,tcp_write_xmit,__tcp_transmit_skb,ip_queue_xmit,sock_read_iter,sock_write_iter,ksys_read,ksys_write,vfs_read,vfs_write,do_epoll_wait,ep_send_events,lock_sock_nested,release_sock"
	checks := selfTest(t, map[string]int{"bcc": 4, "syscalls": 4, "kvm": 1, "vhost": 1, "ftrace, bcc": 1},
		"--collector", "bcc,syscalls,kvm,vhost", "--variants", "runc", "--functions", busy)
	last := checks[len(checks)-1]
	both := regexp.MustCompile(`both saw (\d+)`).FindStringSubmatch(last.Detail)
	if both == nil {
		t.Fatal(last.Detail)
	}
	if n, _ := strconv.Atoi(both[1]); n < 10 {
		t.Errorf("they were compared on %d functions that ran: %s", n, last.Detail)
	}
}

// ftrace and ebpf see the same functions of a sandbox of runc and of one of gVisor.
func TestSelfTestOfAgreement(t *testing.T) {
	selfTest(t, map[string]int{"ftrace, ebpf": 2}, "--only", "agreement", "--collector", "ebpf", "--repetitions", "1")
}

// selfTest returns the answers, all of which must be passed, so many of each.
func selfTest(t *testing.T, want map[string]int, args ...string) []record.Check {
	t.Helper()
	r := hapscope(t, append([]string{"selftest", "--json"}, args...)...)
	r.want(t, 0)
	var report struct {
		Checks  []record.Check
		Unasked map[string]string
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatal(err)
	}
	answers := map[string]int{}
	for _, c := range report.Checks {
		answers[c.Witness]++
		if !c.Passed {
			t.Errorf("%s: %s: %s", c.Witness, c.Name, c.Detail)
		}
	}
	if !maps.Equal(answers, want) || len(report.Unasked) > 0 {
		t.Fatalf("answers of %v, want %v; not asked: %v", answers, want, report.Unasked)
	}
	return report.Checks
}

func TestDoctorJSON(t *testing.T) {
	r := hapscope(t, "doctor", "--json")
	r.want(t, 0)
	var d struct {
		Lab struct {
			Fit      bool
			Variants []record.VariantInfo
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &d); err != nil {
		t.Fatal(err)
	}
	if !d.Lab.Fit || len(d.Lab.Variants) < 5 {
		t.Fatalf("lab = %+v", d.Lab)
	}
	for _, v := range d.Lab.Variants {
		unmet := record.Unmet(v.Requirements)
		// Their monitors and tenders are in no package that the lab could be built from.
		if absent := slices.Contains([]string{"kata-clh", "kata-fc", "nabla-container", "nabla-raw", "solo5-spt", "solo5-hvt"}, v.Name); v.Fit() == absent {
			t.Errorf("%s can run in the lab: %v; %v", v.Name, v.Fit(), unmet)
		}
		for _, r := range unmet {
			if r.Detail == "" || r.Remedy == "" {
				t.Errorf("%s lacks %s, and nothing is said of why or what to do: %+v", v.Name, r.Name, r)
			}
		}
	}
}

func read(t *testing.T, dir string) *record.Record {
	t.Helper()
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// children lists the processes that pid has started, of which there must be some.
func children(t *testing.T, pid int) []int {
	t.Helper()
	pids := childrenOf(pid)
	if len(pids) == 0 {
		t.Fatal("the run has no child process: where is QEMU?")
	}
	return pids
}

func childrenOf(pid int) (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		content, _ := os.ReadFile(task)
		for _, f := range strings.Fields(string(content)) {
			if n, err := strconv.Atoi(f); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

var emulator = regexp.MustCompile(`qemu-system-x86_64`)

// noVMs fails the test if an emulator is left whose parent is gone or is this
// test: another user's VM has a living hapscope as its parent.
func noVMs(t *testing.T) {
	t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, _ := os.ReadFile(e)
		if !emulator.Match(content) {
			continue
		}
		status, _ := os.ReadFile(filepath.Join(filepath.Dir(e), "status"))
		if regexp.MustCompile(`PPid:\s+1\n`).Match(status) {
			t.Errorf("an emulator is left: %s", e)
		}
	}
}
