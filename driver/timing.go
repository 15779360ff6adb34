package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/workloads"
)

// TimingProgress is how far the timing of a run has come.
type TimingProgress struct {
	Timing  record.Timing
	Number  int // of the timing, from 1, over the whole plan
	Total   int
	Elapsed time.Duration // since this process started to time
	Left    time.Duration // estimated from the repetitions so far
}

// Time times what is left of the plan; no collector is armed. A variant that cannot run
// here is skipped, or with leave set left for another place. Timings that are already
// there are kept. When ctx ends, the repetition under way is cleaned up and not written.
func (d *Driver) Time(ctx context.Context, plan record.Plan, place record.Place, leave bool, finished []record.Timing) error {
	if plan.Timing == nil {
		return nil
	}
	release, err := lockMachine(d.State)
	if err != nil {
		return err
	}
	defer release()
	if err := d.Sweep(ctx); err != nil {
		return err
	}
	steps := remaining(plan.Timing.Steps, finished, stepOfTiming)
	done := len(plan.Timing.Steps) - len(steps)
	infos, err := d.introduce(ctx, plan, place)
	if err != nil {
		return err
	}
	if leave {
		steps = slices.DeleteFunc(steps, func(s record.Step) bool { return len(d.unmet(plan, s.Cell, infos[s.Variant])) > 0 })
	}
	if len(steps) == 0 {
		return nil
	}
	if err := d.timeAll(ctx, plan, place, steps, done, infos); err != nil {
		return err
	}
	if len(plan.Steps) > 0 || done+len(steps) < len(plan.Timing.Steps) {
		return nil
	}
	return d.ended()
}

// timeAll makes the timings that are left; done are there already.
func (d *Driver) timeAll(ctx context.Context, plan record.Plan, place record.Place, steps []record.Step, done int, infos answers) error {
	prepared, err := d.prepare(ctx, plan, infos)
	if err != nil {
		return err
	}
	defer prepared()
	in, err := newInstruments(d.TimerSlack) // and none is armed
	if err != nil {
		return err
	}
	defer in.close()
	if infos.fit(plan) == nil { // else each is skipped, with its own reason
		if err := d.rehearse(ctx, plan, steps, infos, in); err != nil {
			return err
		}
	}
	start := time.Now()
	for i, step := range steps {
		began := time.Now()
		timing := d.timed(ctx, plan, step, infos[step.Variant], in)
		if err := ctx.Err(); err != nil {
			return err // what was interrupted is no timing
		}
		timing.Place, timing.Started, timing.Seconds = place, began.UTC(), time.Since(began).Seconds()
		if err := d.Writer.AppendTiming(timing); err != nil {
			return fmt.Errorf("write the timing of %s: %w", step.Cell, err)
		}
		if d.Timed != nil {
			elapsed := time.Since(start)
			d.Timed(TimingProgress{
				Timing: timing, Number: done + i + 1, Total: len(plan.Timing.Steps),
				Elapsed: elapsed, Left: elapsed / time.Duration(i+1) * time.Duration(len(steps)-i-1),
			})
		}
	}
	return nil
}

// introduce writes the place where timings are taken into the record.
func (d *Driver) introduce(ctx context.Context, plan record.Plan, place record.Place) (answers, error) {
	infos, tools, err := d.check(ctx, plan)
	if err != nil {
		return nil, err
	}
	machine, err := d.Describe()
	if err != nil {
		return nil, fmt.Errorf("describe the machine: %w", err)
	}
	return infos, d.Writer.UpdateRun(func(r *record.Run) {
		at := r.TimedIn(place)
		at.Machine, at.Variants, at.Tools, at.Unfit = machine, infos.of(plan), tools, ""
	})
}

// timed times one repetition, once more where that failed and the plan allows it.
func (d *Driver) timed(ctx context.Context, plan record.Plan, step record.Step, info record.VariantInfo, in *instruments) (timing record.Timing) {
	retried := d.attempts(ctx, plan, step, func() (record.Status, string) {
		timing = d.timeOnce(ctx, plan, step, info, in)
		return timing.Status, timing.Reason
	})
	timing.Retried = retried
	return timing
}

// timeOnce times one repetition, or says why it was skipped.
func (d *Driver) timeOnce(ctx context.Context, plan record.Plan, step record.Step, info record.VariantInfo, in *instruments) record.Timing {
	t := record.Timing{Variant: step.Variant, Workload: step.Workload, Repetition: step.Repetition}
	if unmet := d.unmet(plan, step.Cell, info); len(unmet) > 0 {
		t.Status, t.Reason, t.Remedy = record.Skipped, record.DescribeUnmet(unmet), record.Remedies(unmet)
		return t
	}
	r := &stopwatch{life: d.newLife(plan, step, info, in, "-timed"), timing: &t}
	ctx, cancel := context.WithTimeout(ctx, duration(plan.Deadline))
	defer cancel()
	if err := r.run(ctx); err != nil {
		t.Status, t.Reason, t.Remedy = record.Failed, r.explain(ctx, err), runtimes.Remedy(err)
		t.StartUp, t.Throughput, t.Latency, t.Memory = nil, nil, nil, nil // a server that errs may well be fast
		return t
	}
	t.Status, t.Reason = judgeTiming(&t)
	return t
}

// stopwatch is a life that is timed.
type stopwatch struct {
	*life
	timing *record.Timing
}

// run takes the sandbox through its life. Whatever happens, it is gone on return.
func (r *stopwatch) run(ctx context.Context) error {
	r.doing = "calibrate"
	r.timing.Calibration = calibrate()
	check := r.watchClocks()
	err := r.within(func(scratch string) error {
		return errors.Join(r.blame(ctx, r.live(ctx, scratch)), r.remove(ctx))
	})
	if err == nil {
		r.doing = "compare the clocks"
		err = check()
	}
	return err
}

func (r *stopwatch) live(ctx context.Context, scratch string) error {
	start := time.Now() // which holds the monotonic clock
	r.doing = "create the sandbox"
	if err := r.create(ctx, scratch); err != nil {
		return err
	}
	r.doing = "boot the sandbox"
	if err := r.boot(ctx, tightly()); err != nil {
		return err
	}
	startUp := time.Since(start).Seconds()
	r.timing.StartUp = &startUp
	r.client.Close()
	r.client = nil

	plan, at := r.plan.Timing, workloads.Server{
		Address: r.sandbox.Address(), Rootfs: r.Rootfs,
		CPU: func() (float64, error) { return r.CPU(r.sandbox.Cgroup()) },
	}
	for _, part := range []struct {
		doing string
		do    func() error
	}{
		{"look at the memory after the start", nil},
		{"warm up", func() error {
			if plan.WarmUp == 0 {
				return nil
			}
			_, err := r.workload.Saturate(ctx, at, plan.Connections, duration(plan.WarmUp))
			return err
		}},
		{"measure the throughput", func() error {
			s, err := r.workload.Saturate(ctx, at, plan.Connections, duration(plan.Throughput))
			r.timing.Throughput = &s.Throughput
			r.suspect(s)
			return err
		}},
		{"measure the latency", func() error {
			l, err := r.workload.Open(ctx, at, plan.Rate, duration(plan.Latency))
			r.timing.Latency = &l
			return err
		}},
	} {
		r.doing = part.doing
		if part.do != nil {
			if err := part.do(); err != nil {
				return err
			}
			// A server that came back by itself may have lost what it was told.
			if err := r.sandbox.Running(ctx); err != nil {
				return err
			}
		}
		if err := r.weigh(); err != nil {
			return err
		}
	}
	r.doing = "tear down the sandbox"
	return nil
}

// weigh looks at the sandbox's memory. It does so between the measurements, not in
// them: summing up what processes have mapped holds locks that page faults want.
func (r *stopwatch) weigh() error {
	now, err := r.Memory(r.sandbox.Cgroup())
	if err != nil {
		return fmt.Errorf("look at the sandbox's memory: %w", err)
	}
	if before := r.timing.Memory; before != nil {
		now.Peak = max(now.Peak, before.Peak)
	}
	now.Peak = max(now.Peak, now.Steady)
	r.timing.Memory = &now
	return nil
}

// generatorBusy is the share of the CPU time that a load generator can use from which
// on it may be what limits a throughput.
const generatorBusy = 0.9

// suspect warns of a throughput that may be the generator's own.
func (r *stopwatch) suspect(s workloads.Saturation) {
	if s.Seconds == 0 || s.GeneratorCPU < generatorBusy*float64(s.Threads)*s.Seconds {
		return
	}
	r.timing.Warnings = append(r.timing.Warnings, fmt.Sprintf(
		"the load generator (%s) used %.0f %% of the CPU time that its %d threads could have: the sandbox may be faster than was measured",
		s.Generator, 100*s.GeneratorCPU/s.Seconds/float64(s.Threads), s.Threads))
}

// keptShare of the rate that was asked for must be kept. Who sends 1 % less falls behind
// by 1 % of the time, 15 ms in 1.5 s, and every latency, which counts from when its
// request was due, would hold that.
const keptShare = 0.99

// judgeTiming decides how far a repetition that went through can be trusted. A latency
// at another rate than the one asked for is none.
func judgeTiming(t *record.Timing) (record.Status, string) {
	if l := t.Latency; l.Kept < keptShare*l.Asked {
		t.Latency = nil
		return record.Degraded, fmt.Sprintf("no latency: of the %.4g requests a second that were asked for, the load generator could send %.4g", l.Asked, l.Kept)
	}
	return record.OK, ""
}

// The clocks of a repetition may differ by what adjusting the clock makes of its time,
// and by what lies between reading one and the other. The kernel changes the rate of
// the wall clock by 500 ppm at most, and by as much again for adjtime(3).
const (
	clockSlew  = 1000e-6
	clockSlack = 20 * time.Millisecond
)

// watchClocks returns a function that is an error if the wall clock was set since. All
// times are those of the monotonic clock, which nobody can set; but who sets the one
// has often stopped or moved the machine, and then no time is worth anything.
func (d *Driver) watchClocks() (check func() error) {
	read := d.Clocks
	if read == nil {
		read = kernelClocks
	}
	monotonic, wall := read()
	return func() error {
		m, w := read()
		passed := m - monotonic
		step := w - wall - passed
		if step.Abs() > clockSlack+time.Duration(clockSlew*float64(passed)) {
			return fmt.Errorf("the wall clock was set by %v within %v: what was timed meanwhile cannot be trusted", step.Round(time.Millisecond), passed.Round(time.Millisecond))
		}
		return nil
	}
}

func kernelClocks() (monotonic, wall time.Duration) {
	var m, w unix.Timespec
	// Neither can fail: the clocks are there, and so is the memory.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &m)
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &w)
	return time.Duration(m.Nano()), time.Duration(w.Nano())
}

const (
	calibrations    = 5
	calibrationWork = 5_000_000 // some 10 ms
)

// calibrate runs a loop that depends on nothing but the CPU. How much its times differ
// says how quiet the machine was.
func calibrate() *record.Calibration {
	c := &record.Calibration{}
	x := uint64(os.Getpid()) | 1
	for range calibrations {
		start := time.Now()
		for range calibrationWork { // xorshift64: each step needs the last one
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		took := time.Since(start)
		if x == 0 { // never, which the compiler does not know
			took = 0
		}
		c.Seconds = append(c.Seconds, took.Seconds())
	}
	return c
}
