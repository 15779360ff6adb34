package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/workloads"
	"hapscope/workloads/load"
)

const (
	// teardownDeadline bounds the removal of a sandbox, which must be tried even
	// when the repetition's own deadline has passed or the user has interrupted.
	teardownDeadline = 2 * time.Minute
	// pollInterval is the first pause between attempts to reach a server that
	// boots. An attempt is work for the sandbox too (gVisor answers it in user
	// space), so that the pause grows with the time already waited: a tenth of it
	// is how late readiness may be noticed.
	pollInterval = 50 * time.Millisecond
	pollShare    = 10
)

// attempts measures one repetition, once more where that failed and the plan allows
// it. Why it failed stays in the result.
func (d *Driver) attempts(ctx context.Context, plan record.Plan, step record.Step, info record.VariantInfo, in *instruments) record.Result {
	var retried []string
	for {
		result := d.step(ctx, plan, step, info, in)
		if result.Status != record.Failed || len(retried) == plan.Retries || ctx.Err() != nil {
			result.Retried = retried
			return result
		}
		d.Log.Warn("failed, and tried again", "cell", step.Cell, "repetition", step.Repetition, "reason", result.Reason)
		retried = append(retried, result.Reason)
	}
}

// step measures one repetition, or says why it was skipped.
func (d *Driver) step(ctx context.Context, plan record.Plan, step record.Step, info record.VariantInfo, in *instruments) record.Result {
	result := record.Result{Variant: step.Variant, Workload: step.Workload, Repetition: step.Repetition}
	if unmet := record.Unmet(info.Requirements); len(unmet) > 0 {
		result.Status, result.Reason, result.Remedy = record.Skipped, record.DescribeUnmet(unmet), record.Remedies(unmet)
		return result
	}
	r := &repetition{
		Driver: d, plan: plan, in: in, result: &result,
		runtime: d.Runtimes[step.Variant], workload: d.Workloads[step.Workload],
		id: fmt.Sprintf("%s-%s-%d-%d", step.Variant, step.Workload, step.Repetition, os.Getpid()),
	}
	ctx, cancel := context.WithTimeout(ctx, duration(plan.Deadline))
	defer cancel()
	if err := r.run(ctx); err != nil {
		// A sandbox that fails early looks safe: no number of it is kept.
		result.Status, result.Phases, result.Reason, result.Remedy = record.Failed, nil, r.explain(ctx, err), runtimes.Remedy(err)
		return result
	}
	result.Status, result.Reason = judge(&result)
	return result
}

// repetition is one sandbox's life.
type repetition struct {
	*Driver
	plan     record.Plan
	in       *instruments
	result   *record.Result
	runtime  runtimes.Runtime
	workload workloads.Workload
	id       string

	sandbox runtimes.Sandbox
	client  workloads.Client
	doing   string // for error messages
	escaped int    // threads of the sandbox that no fork had led to
	output  string // of the process, kept when the sandbox goes
}

// run takes the sandbox through its phases. Whatever happens, the sandbox is
// gone and nothing is followed when it returns.
func (r *repetition) run(ctx context.Context) (err error) {
	scratch := r.scratch(r.id)
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return fmt.Errorf("make the scratch directory: %w", err)
	}
	defer func() {
		err = errors.Join(err, r.in.forget(), os.RemoveAll(scratch))
	}()
	if err := r.in.follow(); err != nil {
		return fmt.Errorf("follow the launcher: %w", err)
	}
	if err := r.live(ctx, scratch); err != nil {
		return errors.Join(err, r.remove(ctx))
	}
	return r.phase(ctx, record.Teardown, func() error { return r.remove(ctx) })
}

func (r *repetition) live(ctx context.Context, scratch string) error {
	r.doing = "create the sandbox"
	err := r.phase(ctx, record.Create, func() error {
		return r.in.launcher.do(func() (err error) {
			r.sandbox, err = r.runtime.Create(ctx, runtimes.Spec{
				ID: r.id, Rootfs: r.Rootfs, Process: r.workload.Process(), Scratch: scratch,
			})
			return err
		})
	})
	if err != nil {
		return err
	}
	if err := r.seed(record.Boot); err != nil {
		return err
	}

	r.doing = "boot the sandbox"
	err = r.phase(ctx, record.Boot, func() error {
		if err := r.in.launcher.do(func() error { return r.sandbox.Start(ctx) }); err != nil {
			return err
		}
		return r.await(ctx)
	})
	if err != nil {
		return err
	}

	r.doing = "prepare the load"
	if p, ok := r.client.(workloads.Preparer); ok {
		if err := p.Prepare(ctx); err != nil {
			return err
		}
	}
	r.doing = "warm up"
	if err := r.warmUp(ctx); err != nil {
		return err
	}
	r.doing = "settle"
	if err := sleep(ctx, duration(r.plan.Settle)); err != nil {
		return err
	}
	if r.plan.Idle > 0 && r.observes(record.Idle) {
		r.doing = "leave the sandbox idle"
		if err := r.seed(record.Idle); err != nil {
			return err
		}
		if err := r.phase(ctx, record.Idle, func() error { return sleep(ctx, duration(r.plan.Idle)) }); err != nil {
			return err
		}
	}
	if err := r.seed(record.Steady); err != nil {
		return err
	}

	r.doing = "drive the load"
	if err := r.phase(ctx, record.Steady, func() error { return r.drive(ctx) }); err != nil {
		return err
	}
	if v, ok := r.client.(workloads.Verifier); ok {
		if err := v.Verify(ctx); err != nil {
			return fmt.Errorf("verify after the load: %w", err)
		}
	}
	r.doing = "tear down the sandbox"
	return nil
}

// phase observes f and adds what was seen to the result. Where the plan does not
// want the phase observed in this repetition, f is all that happens.
func (r *repetition) phase(ctx context.Context, name record.Phase, f func() error) error {
	if !r.observes(name) {
		return f()
	}
	p := record.PhaseResult{Phase: name}
	err := r.in.observe(ctx, &p, r.runtime.Role, func() error {
		start := time.Now()
		err := f()
		p.Seconds = time.Since(start).Seconds()
		return err
	})
	r.Log.Debug("phase", "cell", r.id, "phase", name, "seconds", p.Seconds, "events", p.Events, "err", err)
	r.result.Phases = append(r.result.Phases, p)
	return err
}

// observes reports whether the plan wants a phase observed in this repetition.
func (r *repetition) observes(name record.Phase) bool {
	return name == record.Steady || r.result.Repetition <= r.plan.LifecycleRepetitions
}

// duration of a number of seconds.
func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

func (r *repetition) seed(before record.Phase) error {
	n, err := r.in.seed(r.sandbox.Cgroup())
	r.escaped += n
	if n > 0 {
		r.result.Warnings = append(r.result.Warnings, fmt.Sprintf(
			"%d threads of the sandbox were forked by no process that was followed; they were found in its cgroup before the phase %s", n, before))
	}
	return err
}

// await dials until a real request is answered correctly: listening is not
// readiness, and a sleep is neither.
func (r *repetition) await(ctx context.Context) error {
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
		if err := sleep(ctx, max(pollInterval, time.Since(start)/pollShare)); err != nil {
			continue // the loop's head says it
		}
	}
}

func (r *repetition) drive(ctx context.Context) error {
	generate := load.Paced
	if r.plan.Load.Mode == scenario.Saturating {
		generate = load.Saturate
	}
	result, err := generate(ctx, r.client, r.load(r.plan.Load.Requests))
	r.result.Load = &result
	return err
}

func (r *repetition) load(requests int) load.Options {
	return load.Options{Requests: requests, Rate: r.plan.Load.Rate, PerConnection: r.plan.Load.RequestsPerConnection}
}

// remove takes the sandbox away, with a deadline of its own.
func (r *repetition) remove(ctx context.Context) error {
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
func (r *repetition) explain(ctx context.Context, err error) string {
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
