//go:build lab

package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/collectors/ebpf"
	"hapscope/collectors/ftrace"
	"hapscope/collectors/internal/labtest"
	"hapscope/lab/wire"
	"hapscope/record"
	"hapscope/workloads/redis"
)

const (
	requests = 2000 // of the load, as in the trial that set the goals
	forks    = 20   // of the bystander
	rounds   = 3    // of the untraced and of hapscope's own
	// patience is how long a tracer may take to be armed, and to end.
	patience = 3 * time.Minute
)

func TestMain(m *testing.M) { labtest.Main(m, nil) }

// tracer observes the server while it is armed.
type tracer interface {
	// arm returns when the server is observed.
	arm(ctx context.Context, s *server) error
	// begin and end are around the load. end says what was seen.
	begin() error
	end(ctx context.Context) (seen string, err error)
	// disarm leaves nothing behind.
	disarm(ctx context.Context) (note string, err error)
}

// server is a Redis of the workloads' image, not in any sandbox, in a cgroup of
// its own.
type server struct {
	cgroup string
	pid    int
}

// TestCost prints a table: the price of each tracer, as ratios to no tracer in the
// same machine.
func TestCost(t *testing.T) {
	s := startServer(t)
	loaded := func() time.Duration { return drive(t, requests) }
	loaded() // warm
	fork(t)
	var base, baseForks []time.Duration
	for range rounds {
		base, baseForks = append(base, loaded()), append(baseForks, fork(t))
	}
	fmt.Printf("untraced: %d SETs in %v, %d forks of a bystander in %v\n\n", requests, base, forks, baseForks)
	fmt.Println("| tracer | armed in | 2000 SETs | bystander's 20 forks | disarmed in | saw | remarks |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, c := range []struct {
		name   string
		tracer tracer
		rounds int
	}{
		{"hapscope ftrace", &own{open: func(ctx context.Context) (collectors.Witness, error) { return ftrace.New(ftrace.Options{}).Arm(ctx) }}, rounds},
		{"hapscope ebpf", &own{open: func(ctx context.Context) (collectors.Witness, error) { return ebpf.New(ebpf.Options{}).Arm(ctx) }}, rounds},
		{"trace-cmd", &peer{args: func(s *server) []string {
			return []string{"trace-cmd", "record", "-p", "function", "-F", "-P", fmt.Sprint(s.pid), "-o", "/tmp/trace.dat"}
		}, armed: tracing("function")}, 1},
		{"perf ftrace", &peer{args: func(s *server) []string {
			return []string{"perf", "ftrace", "trace", "-t", "function", "-p", fmt.Sprint(s.pid)}
		}, armed: tracing("function"), discard: true}, 1},
		{"bpftrace", &peer{env: []string{"BPFTRACE_MAX_PROBES=100000", "BPFTRACE_MAP_KEYS_MAX=100000"}, args: func(s *server) []string {
			return []string{"bpftrace", "-e", fmt.Sprintf("kprobe:* /pid == %d/ { @[func] = count(); } interval:s:2 { printf(\"armed\\n\"); }", s.pid)}
		}, armed: said("armed")}, 1},
		{"funccount (bpfcc)", &peer{args: func(s *server) []string {
			return []string{"funccount-bpfcc", "-p", fmt.Sprint(s.pid), "*"}
		}, armed: said("Tracing")}, 1},
	} {
		fmt.Println(row(t, c.name, c.tracer, c.rounds, s, median(base), median(baseForks), loaded))
	}
	labtest.Leftovers(t)
}

func row(t *testing.T, name string, tr tracer, n int, s *server, base, baseForks time.Duration, loaded func() time.Duration) string {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	if err := tr.arm(ctx, s); err != nil {
		note, _ := tr.disarm(ctx)
		return fmt.Sprintf("| %s | – | – | – | – | – | %s %s |", name, oneLine(err.Error()), oneLine(note))
	}
	armed := time.Since(start)
	var sets, bystander []time.Duration
	seen := ""
	for range n {
		if err := tr.begin(); err != nil {
			t.Fatal(err)
		}
		sets = append(sets, loaded())
		bystander = append(bystander, fork(t))
		var err error
		if seen, err = tr.end(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	start = time.Now()
	note, err := tr.disarm(ctx)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return fmt.Sprintf("| %s | %.1f s | %s | %s | %.1f s | %s | %s |", name, armed.Seconds(),
		ratio(sets, base), ratio(bystander, baseForks), time.Since(start).Seconds(), seen, oneLine(note))
}

func ratio(times []time.Duration, base time.Duration) string {
	slices.Sort(times)
	s := fmt.Sprintf("%.2f×", float64(median(times))/float64(base))
	if len(times) > 1 {
		s += fmt.Sprintf(" (%.2f–%.2f)", float64(times[0])/float64(base), float64(times[len(times)-1])/float64(base))
	}
	return s
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func oneLine(s string) string {
	const most = 300
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "/")
	if len(s) > most {
		s = s[:most] + " …"
	}
	return s
}

func startServer(t *testing.T) *server {
	t.Helper()
	dir := labtest.Cgroup(t)
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	c := exec.Command("/usr/bin/redis-server", "--port", "6379", "--save", "", "--appendonly", "no")
	c.SysProcAttr = &unix.SysProcAttr{UseCgroupFD: true, CgroupFD: fd, Chroot: wire.RootfsDir}
	c.Dir = "/"
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		client, err := redis.Set().Dial(t.Context(), "127.0.0.1")
		if err == nil {
			err = client.Do(t.Context(), 0)
			client.Close()
		}
		if err == nil {
			return &server{cgroup: dir, pid: c.Process.Pid}
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// drive has redis-benchmark send SETs one after the other over one connection, and
// takes the time from its rate: a client in Go would itself be most of the work.
func drive(t *testing.T, n int) time.Duration {
	t.Helper()
	c := exec.Command("/usr/bin/redis-benchmark", "-n", strconv.Itoa(n), "-c", "1", "-t", "set", "--csv")
	c.SysProcAttr, c.Dir = &unix.SysProcAttr{Chroot: wire.RootfsDir}, "/"
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 2 || rows[0][1] != "rps" || rows[1][0] != "SET" {
		t.Fatalf("%v: %s", err, out)
	}
	rps, err := strconv.ParseFloat(rows[1][1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(float64(n) / rps * float64(time.Second))
}

// fork is a bystander: nobody observes it, yet it may pay.
func fork(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	for range forks {
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(start)
}

// own is a witness of hapscope.
type own struct {
	open    func(context.Context) (collectors.Witness, error)
	session collectors.Witness
}

func (o *own) arm(ctx context.Context, s *server) (err error) {
	if o.session, err = o.open(ctx); err != nil {
		return err
	}
	_, err = o.session.Seed(collectors.Target{Cgroup: s.cgroup})
	return err
}

func (o *own) begin() error { return errors.Join(o.session.Prepare(), o.session.Begin()) }

func (o *own) end(ctx context.Context) (string, error) {
	ob, err := o.session.End(ctx)
	var lost uint64
	for _, n := range ob.Lost {
		lost += n
	}
	bound := ""
	if ob.Bounds {
		bound = "at least "
	}
	return fmt.Sprintf("%d functions in process context, %s%d entries, %d lost", len(ob.Functions[record.InProcess]), bound, ob.Events, lost), err
}

func (o *own) disarm(context.Context) (string, error) { return "", o.session.Close() }

// peer is a program of another project.
type peer struct {
	args    func(*server) []string
	env     []string
	armed   func(ctx context.Context, p *peer) error
	discard bool // its output is the trace itself

	command *exec.Cmd
	output  *lines
	ended   chan error
}

func (p *peer) arm(ctx context.Context, s *server) error {
	args := p.args(s)
	p.command = exec.Command(args[0], args[1:]...)
	if p.command.Err != nil {
		return fmt.Errorf("%w: the machine was to be booted with lab exec --tracers", p.command.Err)
	}
	p.command.Env = append(os.Environ(), p.env...)
	p.output = &lines{count: p.discard}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	p.command.Stderr = p.output
	if err := p.command.Start(); err != nil {
		return err
	}
	copied := make(chan struct{})
	go func() { p.output.read(out); close(copied) }()
	p.ended = make(chan error, 1)
	go func() { <-copied; p.ended <- p.command.Wait() }()
	return p.armed(ctx, p)
}

func (p *peer) begin() error { return nil }

func (p *peer) end(context.Context) (string, error) { return "", nil }

func (p *peer) disarm(ctx context.Context) (string, error) {
	if p.command == nil || p.command.Process == nil {
		return "", nil
	}
	p.command.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-ctx.Done():
		p.command.Process.Kill()
		return p.output.tail(), errors.New("it did not end")
	}
	return p.output.tail(), nil
}

// tracing waits until the machine's tracer is of a kind, and on.
func tracing(kind string) func(context.Context, *peer) error {
	return func(ctx context.Context, p *peer) error {
		return await(ctx, p, func() bool {
			for _, dir := range []string{"/sys/kernel/tracing"} {
				tracer, _ := os.ReadFile(filepath.Join(dir, "current_tracer"))
				on, _ := os.ReadFile(filepath.Join(dir, "tracing_on"))
				if strings.TrimSpace(string(tracer)) == kind && strings.TrimSpace(string(on)) == "1" {
					return true
				}
			}
			return false
		})
	}
}

// said waits until the program has printed something.
func said(word string) func(context.Context, *peer) error {
	return func(ctx context.Context, p *peer) error {
		return await(ctx, p, func() bool { return strings.Contains(p.output.tail(), word) })
	}
}

func await(ctx context.Context, p *peer, is func() bool) error {
	for !is() {
		select {
		case err := <-p.ended:
			p.ended <- err
			return fmt.Errorf("it ended: %v", err)
		case <-ctx.Done():
			return fmt.Errorf("not armed within %v", patience)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
