package driver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hapscope/collectors"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/workloads"
)

// Driver carries out the plan of one run on the machine that it runs on.
type Driver struct {
	Runtimes   map[string]runtimes.Runtime        // by variant
	Workloads  map[string]workloads.Workload      // by name
	Witnesses  []collectors.Collector             // their sessions are collectors.Witness; the first one's sets are the result
	Collectors []collectors.Collector             // the others
	Describe   func() (*record.Machine, error)    // the kernel under test
	Threads    func(cgroup string) ([]int, error) // their ids, descendants included
	// Policy reads what the kernel holds every task of a cgroup to; nil where that cannot
	// be read. It interrupts the tasks.
	Policy     func(ctx context.Context, cgroup string) ([]collectors.Held, error)
	Rootfs     string        // the image's root file system, as a directory
	State      string        // directory for scratch files, locks and bundles
	TimerSlack time.Duration // of all that a sandbox is made of; 0 leaves the kernel's 50 µs
	Exercise   []string      // command that performs the exercise given as its last argument
	NoSelfTest string        // why the self-test is left out; empty where it is not
	// Converged reports whether a cell needs no further repetition; nil where all
	// are made. It is asked of the results that the cell has.
	Converged func([]record.Result) bool
	// CPU reads how many seconds of all CPUs a cgroup has used, Memory the resident
	// memory of all that is in it. Both are asked in timed repetitions only.
	CPU    func(cgroup string) (float64, error)
	Memory func(cgroup string) (record.Memory, error)
	// Clocks reads the monotonic clock and the wall clock; nil is the kernel's.
	Clocks func() (monotonic, wall time.Duration)
	Writer *record.Writer
	Log    *slog.Logger
	// Done is told of each result after it was written; nil is fine.
	Done func(p Progress)
	// Timed is told of each timing after it was written; nil is fine.
	Timed func(p TimingProgress)
}

// Progress is how far a run has come.
type Progress struct {
	Result  record.Result
	Number  int // of the result, from 1, over the whole plan
	Total   int
	Elapsed time.Duration // since this process started to measure
	Left    time.Duration // estimated from the repetitions so far
}

// ErrUnfit says that what the plan asks for cannot be done here: none of its
// variants can run, or a collector cannot be armed.
var ErrUnfit = errors.New("this machine is unfit for the plan")

// Run measures what is left of the plan. Results that are already there are
// kept. When ctx ends, the repetition under way is cleaned up and not written.
func (d *Driver) Run(ctx context.Context, plan record.Plan, finished []record.Result) error {
	release, err := lockMachine(d.State)
	if err != nil {
		return err
	}
	defer release()
	if err := d.Sweep(ctx); err != nil {
		return err
	}
	// None is left where it was killed before it could note that it had ended.
	if steps := remaining(plan.Steps, finished, stepOfResult); len(steps) > 0 {
		if err := d.count(ctx, plan, steps, finished); err != nil {
			return err
		}
	}
	return d.ended() // what has ended has nothing armed any more
}

// count makes the repetitions that are left.
func (d *Driver) count(ctx context.Context, plan record.Plan, steps []record.Step, finished []record.Result) error {
	infos, tools, err := d.check(ctx, plan)
	if err != nil {
		return err
	}
	if err := d.Writer.UpdateRun(func(r *record.Run) { r.Variants, r.Tools = infos.of(plan), tools }); err != nil {
		return err
	}
	if err := infos.fit(plan); err != nil {
		return err
	}

	done, err := d.prepare(ctx, plan, infos)
	if err != nil {
		return err
	}
	defer done()

	in, err := newInstruments(d.TimerSlack)
	if err != nil {
		return err
	}
	defer func() {
		if err := in.close(); err != nil {
			d.Log.Error("disarm the collectors", "err", err)
		}
	}()
	if err := d.rehearse(ctx, plan, steps, infos, in); err != nil {
		return err
	}
	arm := time.Now()
	if err := in.arm(ctx, d.Witnesses, d.Collectors); err != nil {
		return err
	}
	machine, err := d.describe(in)
	if err != nil {
		return err
	}
	d.Log.Info("armed", "functions", machine.Traceable, "kernel", machine.Release, "seconds", seconds(arm))
	if err := d.selfTest(ctx, in); err != nil {
		return err
	}

	start, measured := time.Now(), 0
	results := map[record.Cell][]record.Result{}
	for _, r := range finished {
		results[r.Cell()] = append(results[r.Cell()], r)
	}
	for i, step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.Converged != nil && d.Converged(results[step.Cell]) {
			d.Log.Debug("converged", "cell", step.Cell, "repetition", step.Repetition)
			continue
		}
		began := time.Now()
		result := d.measure(ctx, plan, step, infos[step.Variant], in)
		if err := ctx.Err(); err != nil {
			return err // what an interrupted repetition saw is not a result
		}
		result.Started, result.Seconds = began.UTC(), time.Since(began).Seconds()
		result.Kernel = machine.BuildID
		if err := d.Writer.Append(result); err != nil {
			return fmt.Errorf("write the result of %s: %w", step.Cell, err)
		}
		if d.Converged != nil {
			results[step.Cell] = append(results[step.Cell], result)
		}
		if result.Status != record.Skipped {
			measured++
		}
		if d.Done != nil {
			p := Progress{Result: result, Number: len(plan.Steps) - len(steps) + i + 1, Total: len(plan.Steps), Elapsed: time.Since(start)}
			if measured > 0 {
				p.Left = p.Elapsed / time.Duration(i+1) * time.Duration(len(steps)-i-1)
			}
			d.Done(p)
		}
	}
	return nil
}

func (d *Driver) ended() error {
	return d.Writer.UpdateRun(func(r *record.Run) {
		now := time.Now().UTC()
		r.Ended = &now
	})
}

// answers are those of variants to the question whether they can run here.
type answers map[string]record.VariantInfo

// of lists them in the order of a plan.
func (a answers) of(plan record.Plan) (list []record.VariantInfo) {
	for _, name := range plan.Variants {
		list = append(list, a[name])
	}
	return list
}

// fit is an error where no variant of a plan can run.
func (a answers) fit(plan record.Plan) error {
	for _, name := range plan.Variants {
		if info := a[name]; info.Fit() {
			return nil
		}
	}
	return fmt.Errorf("%w: none of the variants can run: %s", ErrUnfit, record.DescribeUnmet(a[plan.Variants[0]].Requirements))
}

// check asks each variant whether it can run here, and those that can for the tools
// that take part.
func (d *Driver) check(ctx context.Context, plan record.Plan) (infos answers, tools []record.Tool, err error) {
	infos = answers{}
	for _, name := range plan.Variants {
		rt, ok := d.Runtimes[name]
		if !ok {
			return nil, nil, fmt.Errorf("the plan names variant %q, which this hapscope does not have", name)
		}
		info := rt.Check(ctx)
		infos[name] = info
		if !info.Fit() {
			continue
		}
		used, err := rt.Tools(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("identify the tools of %s: %w", name, err)
		}
		tools = addTools(tools, used)
		if used, err = d.unikernelTools(plan, name, rt); err != nil {
			return nil, nil, err
		}
		tools = addTools(tools, used)
	}
	for _, name := range plan.Workloads {
		if _, ok := d.Workloads[name]; !ok {
			return nil, nil, fmt.Errorf("the plan names workload %q, which this hapscope does not have", name)
		}
	}
	return infos, tools, nil
}

// prepare makes ready what runtimes need beside their sandboxes, until done is called.
// It is not what tracers follow: no instrument is there yet, nor the launcher.
func (d *Driver) prepare(ctx context.Context, plan record.Plan, infos map[string]record.VariantInfo) (done func(), err error) {
	var all []func() error
	done = func() {
		for _, f := range all {
			if err := f(); err != nil {
				d.Log.Error("end what the runtimes needed", "err", err)
			}
		}
	}
	for _, name := range plan.Variants {
		p, ok := d.Runtimes[name].(runtimes.Preparer)
		if !ok || !infos[name].Fit() {
			continue
		}
		f, err := p.Prepare(ctx)
		if err != nil {
			done()
			return nil, fmt.Errorf("prepare for %s: %w", name, err)
		}
		all = append(all, f)
	}
	return done, nil
}

// unikernelTools are the files of the unikernels that a variant can boot here.
func (d *Driver) unikernelTools(plan record.Plan, variant string, rt runtimes.Runtime) (tools []record.Tool, err error) {
	boots := runtimes.UnikernelsOf(rt)
	for _, workload := range plan.Workloads {
		u := unikernelOf(plan, record.Cell{Variant: variant, Workload: workload})
		if boots == nil || u == nil || len(record.Unmet(boots.Check(workload, u))) > 0 {
			continue
		}
		used, err := boots.Tools(workload, *u)
		if err != nil {
			return nil, fmt.Errorf("identify the unikernel of %s for %s: %w", variant, workload, err)
		}
		tools = append(tools, used...)
	}
	return tools, nil
}

// seconds since t, to a tenth.
func seconds(t time.Time) float64 {
	return time.Since(t).Round(100 * time.Millisecond).Seconds()
}

func addTools(tools, more []record.Tool) []record.Tool {
next:
	for _, m := range more {
		for _, t := range tools {
			if t == m {
				continue next
			}
		}
		tools = append(tools, m)
	}
	return tools
}

// Sweep removes what killed runs have left on this machine.
func (d *Driver) Sweep(ctx context.Context) error {
	var errs []error
	note := func(lines []string, err error) {
		for _, l := range lines {
			d.Log.Warn("removed what an earlier run left behind", "what", l)
		}
		errs = append(errs, err)
	}
	for _, c := range slices.Concat(d.Witnesses, d.Collectors) {
		note(c.Sweep(ctx))
	}
	// Every runtime of an engine sweeps that engine: a second time finds nothing.
	for _, rt := range d.Runtimes {
		note(rt.Sweep(ctx))
	}
	note(d.sweepScratch())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up after an earlier run: %w", err)
	}
	return nil
}

// sweepScratch removes scratch directories. The runtimes have unmounted what was
// mounted in them; where one has not, removing stops at the mount.
func (d *Driver) sweepScratch() (removed []string, err error) {
	entries, err := os.ReadDir(d.scratch(""))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		dir := d.scratch(e.Name())
		if e := os.RemoveAll(dir); e != nil {
			err = errors.Join(err, e)
			continue
		}
		removed = append(removed, "scratch directory "+dir)
	}
	return removed, err
}

// scratch is the directory of one repetition.
func (d *Driver) scratch(id string) string { return filepath.Join(d.State, "scratch", id) }
