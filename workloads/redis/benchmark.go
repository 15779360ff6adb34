package redis

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hapscope/internal/command"
	"hapscope/record"
	"hapscope/workloads"
	"hapscope/workloads/load"
)

// program is redis-benchmark in the image: Debian's redis-server comes with it, so that
// both are of one version.
const program = "/usr/bin/redis-benchmark"

// valueBytes is the length of the values, as that of those of value.
const valueBytes = 64

// tries are how many requests find out how many fit into the time that is asked for:
// redis-benchmark counts requests, not seconds. The second run is what the rate is
// taken from, the first is short on the slowest machine.
const firstTry, secondTry = 1000, 250 * time.Millisecond

// Saturate implements workloads.Generator with redis-benchmark, whose figures are what
// people compare. It ends at an error reply and does not look at others: what they
// were is asked of the server afterwards (verify).
func (w workload) Saturate(ctx context.Context, at workloads.Server, connections int, d time.Duration) (workloads.Saturation, error) {
	var s workloads.Saturation
	c, err := w.prepared(ctx, at.Address)
	if err != nil {
		return s, err
	}
	defer c.Close()
	n := firstTry
	for _, part := range []time.Duration{secondTry, d} {
		if s, err = w.benchmark(ctx, at, c, connections, n); err != nil {
			return s, err
		}
		n = max(firstTry, int(float64(s.Requests)/s.Seconds*part.Seconds()))
	}
	return w.benchmark(ctx, at, c, connections, n)
}

// prepared returns a connection to a server that holds all keys.
func (w workload) prepared(ctx context.Context, address string) (*client, error) {
	c, err := dial(ctx, address+":6379")
	if err != nil {
		return nil, err
	}
	if err := (&getClient{client: c}).Prepare(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// benchmark has n requests sent, and asks over c what became of them.
func (w workload) benchmark(ctx context.Context, at workloads.Server, c *client, connections, n int) (s workloads.Saturation, err error) {
	before, err := c.stats(ctx, w.command())
	if err != nil {
		return s, err
	}
	// The keys of key, and values as long as those of value.
	args := []string{program, "-h", at.Address, "-p", "6379", "-t", w.command(), "-n", strconv.Itoa(n), "-c", strconv.Itoa(connections),
		"-r", strconv.Itoa(keys), "-d", strconv.Itoa(valueBytes), "--csv"}
	var out, errors bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &errors, "/"
	cmd.Path, cmd.Err = program, nil // it is looked for in the image, not here
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: at.Rootfs, Pdeathsig: syscall.SIGKILL}
	s = workloads.Saturation{Throughput: record.Throughput{Connections: connections, Requests: uint64(n)}, Threads: 1}
	s.CPU, _, err = load.Metered(at, func() error {
		runtime.LockOSThread() // whose end is what Pdeathsig tells
		defer runtime.UnlockOSThread()
		defer command.Log(ctx, cmd)()
		return cmd.Run()
	})
	if ctx.Err() != nil {
		return s, context.Cause(ctx)
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errors.String()+" "+out.String()))
	}
	rate, err := parseRate(out.String(), w.command())
	if err != nil {
		return s, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	s.Seconds = float64(n) / rate
	s.GeneratorCPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	after, err := c.stats(ctx, w.command())
	if err != nil {
		return s, err
	}
	if s.Generator = "redis-benchmark " + after.version; after.version == "" {
		s.Generator = "redis-benchmark"
	}
	return s, w.verify(ctx, c, before, after, uint64(n))
}

// command is the name of the command in redis-benchmark and in INFO.
func (w workload) command() string { return strings.TrimPrefix(w.name, "redis-") }

// parseRate reads the requests a second of a test out of redis-benchmark's CSV.
func parseRate(text, test string) (float64, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return 0, fmt.Errorf("read its output: %w", err)
	}
	for _, r := range rows {
		if len(r) < 2 || !strings.EqualFold(r[0], test) {
			continue
		}
		rate, err := strconv.ParseFloat(r[1], 64)
		if err != nil || !(rate > 0) || rate > 1e12 {
			return 0, fmt.Errorf("%q is no rate", r[1])
		}
		return rate, nil
	}
	return 0, fmt.Errorf("its output has no line of %s: %q", test, text)
}

// verify is the oracle of what redis-benchmark sent: the server has carried out
// exactly as many commands, refused and failed none, and found every key that was
// read; afterwards every key holds a value of the right length.
func (w workload) verify(ctx context.Context, c *client, before, after stats, n uint64) error {
	wrong := func(what string, want, got any) error {
		return &workloads.WrongReply{Request: fmt.Sprintf("%d × %s", n, strings.ToUpper(w.command())), Want: fmt.Sprintf("%v %s", want, what), Got: fmt.Sprint(got)}
	}
	switch {
	case after.calls-before.calls != n:
		return wrong("calls", n, after.calls-before.calls)
	case after.failed != before.failed:
		return wrong("calls failed or rejected", 0, after.failed-before.failed)
	case after.misses != before.misses:
		return wrong("keys not found", 0, after.misses-before.misses)
	}
	for i := range keys {
		got, err := c.do(ctx, "GET", key(i))
		if err != nil || len(got) != valueBytes || w.name == "redis-get" && got != value(i) {
			return judge("GET "+key(i)+" after redis-benchmark", fmt.Sprintf("%d bytes", valueBytes), got, err)
		}
	}
	return nil
}

// stats is what a server says of a command.
type stats struct {
	version string
	calls   uint64
	failed  uint64 // and rejected
	misses  uint64 // reads of what is not there, by all commands
}

func (c *client) stats(ctx context.Context, command string) (stats, error) {
	text, err := c.do(ctx, "INFO", "everything")
	if err != nil {
		return stats{}, fmt.Errorf("ask the server what it has done: %w", err)
	}
	return parseStats(text, command)
}

// parseStats reads INFO's lines, of which a command has none before its first call.
func parseStats(text, command string) (s stats, err error) {
	number := func(v string) uint64 {
		n, e := strconv.ParseUint(v, 10, 64)
		if e != nil {
			err = fmt.Errorf("INFO says %q where a number belongs", v)
		}
		return n
	}
	found := false
	for line := range strings.Lines(text) {
		name, v, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "redis_version":
			s.version = v
		case "keyspace_misses":
			s.misses, found = number(v), true
		case "cmdstat_" + command:
			for f := range strings.SplitSeq(v, ",") {
				switch k, n, _ := strings.Cut(f, "="); k {
				case "calls":
					s.calls = number(n)
				case "failed_calls", "rejected_calls":
					s.failed += number(n)
				}
			}
		}
	}
	if err == nil && !found {
		err = fmt.Errorf("INFO does not say keyspace_misses")
	}
	return s, err
}

// Open implements workloads.Generator with the client that checks each reply.
func (w workload) Open(ctx context.Context, at workloads.Server, rate float64, d time.Duration) (record.Latency, error) {
	l, err := load.Open(ctx, func(ctx context.Context) (workloads.Client, error) { return w.Dial(ctx, at.Address) }, rate, d)
	l.Generator = "hapscope"
	return l, err
}
