package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hapscope/analysis"
	"hapscope/collectors/exercise"
	"hapscope/collectors/policy"
	"hapscope/driver"
	"hapscope/driver/scenario"
	"hapscope/internal/kernel/cgroup"
	"hapscope/lab/image"
	"hapscope/lab/vm"
	"hapscope/lab/wire"
	"hapscope/record"
	"hapscope/runtimes"
)

const (
	// stateDir holds locks, bundles and runtime state while a run is under way.
	stateDir = "/run/hapscope"
	// guestRunDir is where the guest sees the run directory.
	guestRunDir = "/lab/run"
)

// measure does what is left of the run in dir, in the places that the record names:
// first what is timed on this machine, then what is counted, and timed, elsewhere.
func (a *app) measure(ctx context.Context, dir string) error {
	w, run, results, err := record.OpenWriter(dir)
	if err != nil {
		return usageError("open the run directory: %w", err)
	}
	defer func() { w.Close() }()
	left, timings := len(run.Plan.Steps)-len(results), timingsLeft(run.Plan, w)
	if run.Ended != nil {
		a.log.Info("nothing is left to measure", "run", dir)
		return nil
	}
	// A run that has not ended, with nothing left, was killed after its last repetition.
	// Whoever would measure next on this machine removes what it has left behind.
	only := left+timings == 0
	counted := left > 0 || only && len(run.Plan.Steps) > 0 && run.Where == scenario.OnHost
	timed := timings > 0 || only && !counted && run.Plan.Timing != nil
	fmt.Fprintf(a.progress(), "hapscope: %s: %d variants × %d workloads × %s; %s: %s\n",
		run.Plan.Scenario, len(run.Plan.Variants), len(run.Plan.Workloads), describeRepetitions(run.Plan, left, timings),
		map[string]string{scenario.OnHost: "on the host", scenario.InLab: "in the lab"}[run.Where], run.Why)
	if timed && run.Plan.Timing.Where != scenario.InLab {
		if err := a.timeNatively(ctx, w, run); err != nil { // which closes w
			return err
		}
		if w, run, results, err = record.OpenWriter(dir); err != nil {
			return err
		}
		timings = timingsLeft(run.Plan, w)
	}
	switch {
	case !counted && timings == 0:
		return ended(w, run)
	case run.Where == scenario.OnHost:
		return a.driveOnHost(ctx, dir, w, run, results)
	}
	return a.measureInLab(ctx, dir, w, run)
}

// ended notes that a run has ended, where that was not noted yet.
func ended(w *record.Writer, run *record.Run) error {
	if run.Ended != nil {
		return nil
	}
	return w.UpdateRun(func(r *record.Run) {
		now := time.Now().UTC()
		r.Ended = &now
	})
}

func timingsLeft(plan record.Plan, w *record.Writer) int {
	if plan.Timing == nil {
		return 0
	}
	return len(plan.Timing.Steps) - len(w.Timings())
}

// describeRepetitions says how many there are, and how many are left.
func describeRepetitions(plan record.Plan, left, timings int) string {
	var parts []string
	if plan.Repetitions > 0 {
		parts = append(parts, fmt.Sprintf("%d repetitions, %d left", plan.Repetitions, left))
	}
	if plan.Timing != nil {
		parts = append(parts, fmt.Sprintf("%d timed repetitions, %d left", plan.Timing.Repetitions, timings))
	}
	return strings.Join(parts, "; ")
}

// measureInLab boots the lab with the run directory shared into it, and lets the
// same binary measure there. Every finished repetition reaches this machine's
// disk through the share, so that a dying VM takes none with it.
func (a *app) measureInLab(ctx context.Context, dir string, w *record.Writer, run *record.Run) error {
	program, err := labProgram(false)
	if err != nil {
		return err
	}
	wanted := program.images(a.imageOptions(run.Lab.Suite, run.Lab.KernelSuite))
	wanted.Kata = slices.ContainsFunc(run.Plan.Variants, needsKata)
	images, err := image.Ensure(ctx, wanted)
	if err != nil {
		return fmt.Errorf("build the lab: %w", err)
	}
	if err := sameImages(run.Lab.Images, images); err != nil {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	options := program.options(vm.Options{
		Images: images, CPUs: run.Lab.CPUs, MemoryMiB: int(run.Lab.MemoryBytes >> 20),
		Shares:   append(unikernels(run.Plan.Unikernels).shares(), vm.Share{Host: abs, Guest: guestRunDir, Writable: true}),
		Progress: a.progress(),
	})
	for reboots := 0; ; reboots++ {
		err := a.measureInVM(ctx, program.path, options, w, run.Lab.TimerSlack)
		var died *vm.DiedError
		if !errors.As(err, &died) || !died.Panicked() || reboots == maxReboots || ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(a.progress(), "lab: its kernel panicked, as an emulated one now and then does; it boots again, and what is left goes on\n")
		if err := w.UpdateRun(func(r *record.Run) {
			r.Reboots = append(r.Reboots, record.Reboot{Time: time.Now().UTC(), Reason: died.Error()})
		}); err != nil {
			return err
		}
	}
}

// maxReboots is how often one command boots the lab again whose kernel has panicked.
// Nobody did that to it: where emulated CPUs are patched and traced for an hour and run
// guests of their own it happens (docs/lab.md), and a night's run is not to end by it.
// A third time is no chance any more.
const maxReboots = 2

// measureInVM boots a machine and does there what is left of the run.
func (a *app) measureInVM(ctx context.Context, program string, options vm.Options, w *record.Writer, timerSlack float64) error {
	machine, err := vm.Boot(ctx, options)
	if err != nil {
		return fmt.Errorf("boot the lab: %w", err)
	}
	defer machine.Close()
	facts := machine.Facts()
	if facts.Accelerator == vm.TCG {
		facts.TimerSlack = timerSlack
	}
	if err := w.UpdateRun(func(r *record.Run) { r.Lab = &facts }); err != nil {
		return err
	}
	// From here on the guest writes. The writer stays open, because its lock
	// refuses a second resume on this machine; it does not reach into the guest.
	args := []string{program, "guest", "measure", guestRunDir}
	if a.verbose {
		args = append(args, "--verbose")
	}
	if a.quiet {
		args = append(args, "--quiet")
	}
	if a.noSelfTest {
		args = append(args, "--no-selftest")
	}
	said := &printable{a.stderr}
	code, err := machine.Run(ctx, vm.Command{Args: args, Stdout: said, Stderr: said})
	switch {
	case ctx.Err() != nil:
		return context.Canceled
	case errors.Is(err, vm.ErrDied):
		return incompleteError(err, "")
	case err != nil:
		return fmt.Errorf("measure in the lab: %w", err)
	case code == exitOK:
		return nil
	case code == exitInterrupted:
		return context.Canceled
	case code == exitUnfit:
		return unfitError(errors.New("the lab is unfit for what was asked; the reason stands above"), "")
	}
	return fmt.Errorf("measuring in the lab ended with exit code %d; its message stands above", code)
}

// sameImages refuses to mix kernels or tools within one record.
func sameImages(before map[string]string, images *image.Set) error {
	for component, key := range before {
		if images.Keys[component] != key {
			return usageError("this run began with image %s %s, which is %s now: start a new run", component, key, images.Keys[component])
		}
	}
	return nil
}

func (a *app) imageOptions(suite, kernel string) image.Options {
	return image.Options{Suite: suite, KernelSuite: kernel, WorkloadPackages: workloadPackages(), Progress: a.progress()}
}

// drive counts on the machine that this process runs on, after it has timed what the
// lab is to time.
func (a *app) drive(ctx context.Context, w *record.Writer, run *record.Run, results []record.Result, rootfs string) error {
	d := a.driver(w, run, rootfs)
	if run.Where == scenario.InLab && timingsLeft(run.Plan, w) > 0 && run.Plan.Timing.Where != scenario.OnHost {
		if err := unfit(d.Time(ctx, run.Plan, labPlace(run.Lab), false, w.Timings())); err != nil {
			return err
		}
	}
	if len(results) == len(run.Plan.Steps) && (run.Where == scenario.InLab || len(results) == 0) {
		return nil
	}
	armed, err := witnesses(run.Plan)
	if err != nil {
		return usageError("%w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program that performs the exercise of the self-test and reads policies: %w", err)
	}
	optional, unarmed := fitCollectors(ctx)
	readPolicy, why := fitPolicy(ctx, self)
	if why != "" {
		unarmed[policy.Name] = why
	}
	if err := w.UpdateRun(func(r *record.Run) { r.Unarmed = unarmed }); err != nil {
		return err
	}
	d.Policy = readPolicy
	d.Witnesses, d.Collectors, d.Exercise = armed, append(otherCollectors(), optional...), []string{self, "guest", "exercise"}
	if a.noSelfTest {
		d.NoSelfTest = "left out with --no-selftest"
	}
	if share := run.Plan.UntilConverged; share > 0 {
		d.Converged = func(results []record.Result) bool { return analysis.Converged(results, share) }
	}
	return unfit(d.Run(ctx, run.Plan, results))
}

// driver is one that can time; to count it needs collectors.
func (a *app) driver(w *record.Writer, run *record.Run, rootfs string) *driver.Driver {
	return &driver.Driver{
		Runtimes: runtimesByVariant(run.Plan, rootfs), Workloads: workloadsByName(), Describe: describeMachine,
		Threads: cgroup.Threads, CPU: cgroup.CPU, Memory: residentMemory,
		Rootfs: rootfs, State: stateDir, Writer: w, Log: a.log, TimerSlack: timerSlack(run.Lab),
		Done:  func(p driver.Progress) { fmt.Fprintln(a.progress(), progressLine(p)) },
		Timed: func(p driver.TimingProgress) { fmt.Fprintln(a.progress(), timingLine(p)) },
	}
}

// unfit gives the driver's errors their exit codes and hints.
func unfit(err error) error {
	switch {
	case errors.Is(err, driver.ErrSelfTest):
		return unfitError(err, "nothing that is counted here can be believed; --no-selftest measures all the same, and every report says so")
	case errors.Is(err, driver.ErrUnfit):
		return unfitError(err, "`hapscope doctor` shows what each variant needs")
	case errors.Is(err, driver.ErrBusy):
		return &codedError{code: exitError, err: err, hint: "wait for it, or measure in the lab: --where lab"}
	case runtimes.Remedy(err) != "":
		return &codedError{code: exitError, err: err, hint: runtimes.Remedy(err)}
	}
	return err
}

// timerSlack is that of the sandboxes on this machine.
func timerSlack(lab *record.Lab) time.Duration {
	if lab == nil {
		return 0
	}
	return time.Duration(lab.TimerSlack * float64(time.Second))
}

// progressLine is one finished repetition, for people who wait.
func progressLine(p driver.Progress) string {
	r := p.Result
	what := string(r.Status)
	if steady := r.Phase(record.Steady); steady != nil {
		what = fmt.Sprintf("%-8s %4d functions", r.Status, len(steady.Functions[record.InProcess]))
	}
	line := fmt.Sprintf("[%*d/%d] %-31s #%d  %-23s %5.1f s   elapsed %s", len(fmt.Sprint(p.Total)), p.Number, p.Total,
		r.Cell(), r.Repetition, what, r.Seconds, clock(p.Elapsed))
	if p.Number < p.Total {
		line += ", left about " + clock(p.Left)
	}
	if r.Status != record.OK {
		line += "\n        " + indented(r.Reason)
	}
	return line
}

// indented is a reason of several lines, none of which begins as a line of hapscope's does,
// nor as a command to the CI that shows it.
func indented(reason string) string { return strings.ReplaceAll(reason, "\n", "\n        | ") }

func clock(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d", d/time.Minute, d%time.Minute/time.Second)
}

// guestCommand holds what the lab's host side runs in the guest.
func guestCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "guest", Short: "run by hapscope itself inside the lab", Hidden: true}
	c.AddCommand(&cobra.Command{
		Use:  "exercise JSON",
		Args: exactly(1),
		RunE: func(_ *cobra.Command, args []string) error {
			e, err := exercise.Parse(args[0])
			if err != nil {
				return usageError("%w", err)
			}
			return e.Serve(os.Stdin, os.Stdout)
		},
	})
	c.AddCommand(&cobra.Command{
		Use:  "policy CGROUP",
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error { return policy.Serve(c.Context(), a.stdout, args[0]) },
	})
	measure := &cobra.Command{
		Use:  "measure DIR",
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			w, run, results, err := record.OpenWriter(args[0])
			if err != nil {
				return fmt.Errorf("open the run directory: %w", err)
			}
			defer w.Close()
			return a.drive(c.Context(), w, run, results, wire.RootfsDir)
		},
	}
	measure.Flags().BoolVar(&a.noSelfTest, "no-selftest", false, "")
	c.AddCommand(measure, guestSelfTestCommand(a), guestTimeCommand(a), guestHostCommand(a), guestMountedCommand(a), guestFitnessCommand(a))
	return c
}
