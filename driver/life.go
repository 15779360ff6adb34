package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/workloads"
)

const (
	// teardownDeadline bounds the removal of a sandbox, which must be tried even
	// when the repetition's own deadline has passed or the user has interrupted.
	teardownDeadline = 2 * time.Minute
)

// polling is how often a server that boots is tried. An attempt is work for the
// sandbox too (gVisor answers it in user space), so that the pause grows with the time
// already waited: a part of that is how late readiness may be noticed.
type polling struct {
	first time.Duration // the first pause
	share time.Duration // the part
}

func seldom() polling  { return polling{50 * time.Millisecond, 10} } // where it is counted
func tightly() polling { return polling{2 * time.Millisecond, 50} }  // where it is timed, to 2 %

// life is that of one sandbox, observed, timed or neither.
type life struct {
	*Driver
	plan     record.Plan
	in       *instruments
	runtime  runtimes.Runtime
	workload workloads.Workload
	id       string
	// unikernel is what runs in the place of the workload's process, if anything.
	unikernel *record.Unikernel
	direct    bool // nothing runs before the program does: there is no phase create
	// adopt makes instruments follow what is in a cgroup; nil where nothing is observed.
	adopt func(cgroup string) error

	sandbox runtimes.Sandbox
	client  workloads.Client
	doing   string // for error messages
	output  string // of the process, kept when the sandbox goes
}

// newLife prepares a repetition's. The suffix tells those of timings from others.
func (d *Driver) newLife(plan record.Plan, step record.Step, info record.VariantInfo, in *instruments, suffix string) *life {
	return &life{
		Driver: d, plan: plan, in: in, unikernel: unikernelOf(plan, step.Cell), direct: info.Engine == record.EngineRaw || info.Engine == record.EngineDocker,
		runtime: d.Runtimes[step.Variant], workload: d.Workloads[step.Workload],
		id: sandboxID(fmt.Sprintf("%s-%s-%d%s-%d", step.Variant, step.Workload, step.Repetition, suffix, os.Getpid())),
	}
}

// sandboxID is a text as an id may be (runtimes.Spec): what an engine calls its runtimes
// may have capitals, '.' and '_'.
func sandboxID(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
}

// within runs f with a scratch directory.
func (r *life) within(f func(scratch string) error) (err error) {
	scratch := r.scratch(r.id)
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return fmt.Errorf("make the scratch directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	return f(scratch)
}

// create makes the sandbox, from the launcher's thread.
func (r *life) create(ctx context.Context, scratch string) error {
	return r.in.launcher.do(func() (err error) {
		r.sandbox, err = r.runtime.Create(ctx, runtimes.Spec{
			ID: r.id, Rootfs: r.Rootfs, Process: r.workload.Process(), Unikernel: r.unikernel, Scratch: scratch,
			Image: r.plan.Images[r.workload.Name()], Adopt: r.adopt,
		})
		return err
	})
}

// boot starts the process and returns when it has answered.
func (r *life) boot(ctx context.Context, poll polling) error {
	if err := r.in.launcher.do(func() error { return r.sandbox.Start(ctx) }); err != nil {
		return err
	}
	return r.await(ctx, poll)
}

// await dials until a real request is answered correctly: listening is not
// readiness, and a sleep is neither.
func (r *life) await(ctx context.Context, poll polling) error {
	var last error
	start := time.Now()
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("the server never got ready: %w; last attempt: %v", err, last)
		}
		if err := r.sandbox.Running(ctx); err != nil {
			return fmt.Errorf("the process ended before it was ready: %w", err)
		}
		client, err := r.workload.Dial(ctx, r.sandbox.Address())
		if err == nil {
			if err = client.Do(ctx, 0); err == nil {
				r.client = client
				return nil
			}
			client.Close()
			if errors.As(err, new(*workloads.WrongReply)) {
				return err
			}
		}
		last = err
		if err := sleep(ctx, max(poll.first, time.Since(start)/poll.share)); err != nil {
			continue // the loop's head says it
		}
	}
}

// askDeadline bounds what a sandbox whose repetition has failed is asked.
const askDeadline = 10 * time.Second

// deathGrace is how long a process may go on dying after its connections are gone: the
// kernel closes a process's files before it takes the process out of its cgroup.
const deathGrace = 2 * time.Second

// blame adds to an error that the sandbox's process has ended, where it has and the error
// does not say so: whoever sends requests sees a lost connection only.
func (r *life) blame(ctx context.Context, err error) error {
	if err == nil || r.sandbox == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askDeadline)
	defer cancel()
	ended := r.sandbox.Running(ctx)
	for end := time.Now().Add(deathGrace); ended == nil && lost(err) && time.Now().Before(end); ended = r.sandbox.Running(ctx) {
		time.Sleep(20 * time.Millisecond)
	}
	if ended != nil && !strings.Contains(err.Error(), ended.Error()) {
		return fmt.Errorf("%w\n%w", err, ended)
	}
	return err
}

// lost says whether an error may come of a server that has ended: a connection that is
// gone or refused, or a load generator that failed.
func lost(err error) bool {
	for _, sign := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return errors.As(err, new(*exec.ExitError))
}

// remove takes the sandbox away, with a deadline of its own.
func (r *life) remove(ctx context.Context) error {
	if r.client != nil {
		r.client.Close()
		r.client = nil
	}
	if r.sandbox == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), teardownDeadline)
	defer cancel()
	r.output = r.sandbox.Output()
	if err := r.in.launcher.do(func() error { return r.sandbox.Delete(ctx) }); err != nil {
		return fmt.Errorf("delete the sandbox: %w", err)
	}
	r.sandbox = nil
	return nil
}

// explain says what failed, and ends with what the process had printed, unless that is
// in the error already.
func (r *life) explain(ctx context.Context, err error) string {
	reason := fmt.Sprintf("%s: %v", r.doing, err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		reason = fmt.Sprintf("%s: no end within the deadline of %gs: %v", r.doing, r.plan.Deadline, err)
	}
	if out := strings.TrimSpace(r.output); out != "" && !strings.Contains(reason, out) {
		reason += "\noutput of the sandbox:\n" + out
	}
	return reason
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// duration of a number of seconds.
func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
