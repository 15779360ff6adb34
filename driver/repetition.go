package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hapscope/driver/scenario"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/workloads"
	"hapscope/workloads/load"
)

// attempts makes a repetition, once more where it failed and the plan allows it, and
// returns why earlier ones failed. step says how it ended.
func (d *Driver) attempts(ctx context.Context, plan record.Plan, step record.Step, try func() (record.Status, string)) (retried []string) {
	for {
		status, reason := try()
		if status != record.Failed || len(retried) == plan.Retries || ctx.Err() != nil {
			return retried
		}
		d.Log.Warn("failed, and tried again", "cell", step.Cell, "repetition", step.Repetition, "reason", reason)
		retried = append(retried, reason)
	}
}

// measure makes one repetition, and says why earlier attempts at it failed.
func (d *Driver) measure(ctx context.Context, plan record.Plan, step record.Step, info record.VariantInfo, in *instruments) (result record.Result) {
	retried := d.attempts(ctx, plan, step, func() (record.Status, string) {
		result = d.step(ctx, plan, step, info, in)
		return result.Status, result.Reason
	})
	result.Retried = retried
	return result
}

// step measures one repetition, or says why it was skipped.
func (d *Driver) step(ctx context.Context, plan record.Plan, step record.Step, info record.VariantInfo, in *instruments) record.Result {
	result := record.Result{Variant: step.Variant, Workload: step.Workload, Repetition: step.Repetition}
	if unmet := d.unmet(plan, step.Cell, info); len(unmet) > 0 {
		result.Status, result.Reason, result.Remedy = record.Skipped, record.DescribeUnmet(unmet), record.Remedies(unmet)
		return result
	}
	r := &repetition{life: d.newLife(plan, step, info, in, ""), result: &result}
	r.adopt = r.adoptBooting
	ctx, cancel := context.WithTimeout(ctx, duration(plan.Deadline))
	defer cancel()
	if err := r.run(ctx); err != nil {
		// A sandbox that fails early looks safe: no number of it is kept.
		result.Status, result.Phases, result.Postures, result.Reason, result.Remedy = record.Failed, nil, nil, r.explain(ctx, err), runtimes.Remedy(err)
		return result
	}
	result.Status, result.Reason = judge(&result)
	return result
}

// unmet is what a cell lacks here: its variant, and its unikernel where it boots one.
func (d *Driver) unmet(plan record.Plan, c record.Cell, info record.VariantInfo) []record.Requirement {
	unmet := record.Unmet(info.Requirements)
	if boots := runtimes.UnikernelsOf(d.Runtimes[c.Variant]); boots != nil {
		unmet = append(unmet, record.Unmet(boots.Check(c.Workload, unikernelOf(plan, c)))...)
	}
	return unmet
}

// unikernelOf is the one that the plan names for a cell, or nil.
func unikernelOf(plan record.Plan, c record.Cell) *record.Unikernel {
	if u, ok := plan.Unikernels[c.Variant][c.Workload]; ok {
		return &u
	}
	return nil
}

// repetition is a life that is observed.
type repetition struct {
	*life
	result  *record.Result
	escaped int // threads of the sandbox that no fork had led to
	adopted int // likewise, but of an engine that forks them and says when
}

// run takes the sandbox through its phases. Whatever happens, the sandbox is
// gone and nothing is followed when it returns.
func (r *repetition) run(ctx context.Context) error {
	return r.within(func(scratch string) (err error) {
		defer func() { err = errors.Join(err, r.in.forget()) }()
		if err := r.in.follow(); err != nil {
			return fmt.Errorf("follow the launcher: %w", err)
		}
		if err := r.live(ctx, scratch); err != nil {
			return errors.Join(r.blame(ctx, err), r.remove(ctx))
		}
		if err := r.readPosture(ctx); err != nil {
			return errors.Join(err, r.remove(ctx))
		}
		return r.phase(ctx, record.Teardown, func() error { return r.remove(ctx) })
	})
}

func (r *repetition) live(ctx context.Context, scratch string) error {
	r.doing = "create the sandbox"
	if err := r.phase(ctx, record.Create, func() error { return r.create(ctx, scratch) }); err != nil {
		return err
	}
	if err := r.seed(record.Boot); err != nil {
		return err
	}

	r.doing = "boot the sandbox"
	if err := r.phase(ctx, record.Boot, func() error { return r.boot(ctx, seldom()) }); err != nil {
		return err
	}

	if a, ok := r.sandbox.(runtimes.Assisted); ok {
		r.result.Helpers = a.Helpers()
	}
	if r.adopted > 0 && r.observes(record.Boot) {
		r.result.Warnings = append(r.result.Warnings, fmt.Sprintf(
			"%d threads were forked by the engine and are followed from when the sandbox had entered its cgroup: what they did before is not in the phase boot", r.adopted))
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
	if name == record.Create && r.direct {
		return false
	}
	switch some := r.plan.LifecycleWorkloads; {
	case name == record.Steady:
		return true
	case name != record.Idle && len(some) > 0 && !slices.Contains(some, r.result.Workload):
		return false
	}
	return r.result.Repetition <= r.plan.LifecycleRepetitions
}

// adoptBooting follows what an engine has forked for the sandbox, as soon as it is there.
func (r *repetition) adoptBooting(cgroup string) error {
	n, err := r.in.seed(cgroup)
	r.adopted += n
	return err
}

func (r *repetition) seed(before record.Phase) error {
	n, err := r.in.seed(r.sandbox.Cgroup())
	r.escaped += n
	if n > 0 {
		r.result.Warnings = append(r.result.Warnings, fmt.Sprintf(
			"%d threads of the sandbox were forked by no process that was followed; they were found in its cgroup before the phase %s", n, before))
	}
	return err
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
