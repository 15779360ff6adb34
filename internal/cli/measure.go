package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hapscope/analysis"
	"hapscope/collectors/exercise"
	"hapscope/driver"
	"hapscope/driver/scenario"
	"hapscope/internal/kernel/cgroup"
	"hapscope/lab/image"
	"hapscope/lab/vm"
	"hapscope/lab/wire"
	"hapscope/record"
)

const (
	// stateDir holds locks, bundles and runtime state while a run is under way.
	stateDir = "/run/hapscope"
	// guestRunDir is where the guest sees the run directory.
	guestRunDir = "/lab/run"
)

// measure does what is left of the run in dir, in the place that the record names.
func (a *app) measure(ctx context.Context, dir string) error {
	w, run, results, err := record.OpenWriter(dir)
	if err != nil {
		return usageError("open the run directory: %w", err)
	}
	defer w.Close()
	left := len(run.Plan.Steps) - len(results)
	if left == 0 || run.Ended != nil {
		a.log.Info("nothing is left to measure", "run", dir)
		return nil
	}
	fmt.Fprintf(a.progress(), "hapscope: %s: %d variants × %d workloads × %d repetitions, %d left; %s: %s\n",
		run.Plan.Scenario, len(run.Plan.Variants), len(run.Plan.Workloads), run.Plan.Repetitions, left, map[string]string{scenario.OnHost: "on the host", scenario.InLab: "in the lab"}[run.Where], run.Why)
	if run.Where == scenario.OnHost {
		return a.drive(ctx, w, run, results, hostRootfs())
	}
	return a.measureInLab(ctx, dir, w, run)
}

// measureInLab boots the lab with the run directory shared into it, and lets the
// same binary measure there. Every finished repetition reaches this machine's
// disk through the share, so that a dying VM takes none with it.
func (a *app) measureInLab(ctx context.Context, dir string, w *record.Writer, run *record.Run) error {
	program, err := labProgram(false)
	if err != nil {
		return err
	}
	options := program.images(a.imageOptions(run.Lab.Suite, run.Lab.KernelSuite))
	options.Kata = slices.ContainsFunc(run.Plan.Variants, needsKata)
	images, err := image.Ensure(ctx, options)
	if err != nil {
		return fmt.Errorf("build the lab: %w", err)
	}
	if err := sameImages(run.Lab, images); err != nil {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	machine, err := vm.Boot(ctx, program.options(vm.Options{
		Images: images, CPUs: run.Lab.CPUs, MemoryMiB: int(run.Lab.MemoryBytes >> 20),
		Shares:   []vm.Share{{Host: abs, Guest: guestRunDir, Writable: true}},
		Progress: a.progress(),
	}))
	if err != nil {
		return fmt.Errorf("boot the lab: %w", err)
	}
	defer machine.Close()
	facts := machine.Facts()
	if facts.Accelerator == vm.TCG {
		facts.TimerSlack = run.Lab.TimerSlack
	}
	if err := w.UpdateRun(func(r *record.Run) { r.Lab = &facts }); err != nil {
		return err
	}
	// From here on the guest writes. The writer stays open, because its lock
	// refuses a second resume on this machine; it does not reach into the guest.
	args := []string{program.path, "guest", "measure", guestRunDir}
	if a.verbose {
		args = append(args, "--verbose")
	}
	if a.quiet {
		args = append(args, "--quiet")
	}
	if a.noSelfTest {
		args = append(args, "--no-selftest")
	}
	code, err := machine.Run(ctx, vm.Command{Args: args, Stdout: a.stderr, Stderr: a.stderr})
	var died *vm.DiedError
	switch {
	case ctx.Err() != nil:
		return context.Canceled
	case errors.As(err, &died):
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
func sameImages(lab *record.Lab, images *image.Set) error {
	for component, key := range lab.Images {
		if images.Keys[component] != key {
			return usageError("this run began with lab image %s %s, which is %s now: start a new run", component, key, images.Keys[component])
		}
	}
	return nil
}

func (a *app) imageOptions(suite, kernel string) image.Options {
	return image.Options{Suite: suite, KernelSuite: kernel, WorkloadPackages: workloadPackages(), Progress: a.progress()}
}

// drive measures on the machine that this process runs on.
func (a *app) drive(ctx context.Context, w *record.Writer, run *record.Run, results []record.Result, rootfs string) error {
	armed, err := witnesses(run.Plan)
	if err != nil {
		return usageError("%w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program that performs the exercise of the self-test: %w", err)
	}
	optional, unarmed := fitCollectors(ctx)
	if err := w.UpdateRun(func(r *record.Run) { r.Unarmed = unarmed }); err != nil {
		return err
	}
	d := &driver.Driver{
		Runtimes: runtimesByVariant(), Workloads: workloadsByName(),
		Witnesses: armed, Collectors: append(otherCollectors(), optional...), Describe: describeMachine, Threads: cgroup.Threads,
		Exercise: []string{self, "guest", "exercise"},
		Rootfs:   rootfs, State: stateDir, Writer: w, Log: a.log,
		TimerSlack: timerSlack(run.Lab),
		Done:       func(p driver.Progress) { fmt.Fprintln(a.progress(), progressLine(p)) },
	}
	if a.noSelfTest {
		d.NoSelfTest = "left out with --no-selftest"
	}
	if share := run.Plan.UntilConverged; share > 0 {
		d.Converged = func(results []record.Result) bool { return analysis.Converged(results, share) }
	}
	err = d.Run(ctx, run.Plan, results)
	switch {
	case errors.Is(err, driver.ErrSelfTest):
		return unfitError(err, "nothing that is counted here can be believed; --no-selftest measures all the same, and every report says so")
	case errors.Is(err, driver.ErrUnfit):
		return unfitError(err, "`hapscope doctor` shows what each variant needs")
	case errors.Is(err, driver.ErrBusy):
		return &codedError{code: exitError, err: err, hint: "wait for it, or measure in the lab: --where lab"}
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
		line += "\n        " + r.Reason
	}
	return line
}

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
	c.AddCommand(measure, guestSelfTestCommand(a))
	return c
}

// hostRootfs is the workloads' root file system on the machine itself. In the
// lab it is mounted; elsewhere HAPSCOPE_ROOTFS names it.
func hostRootfs() string {
	if dir := os.Getenv("HAPSCOPE_ROOTFS"); dir != "" {
		return dir
	}
	return wire.RootfsDir
}

func rootfsRequirement() record.Requirement {
	dir := hostRootfs()
	r := record.Requirement{Name: "workloads' root file system", Detail: dir}
	if _, err := os.Stat(filepath.Join(dir, "usr")); err != nil {
		r.Detail = "none at " + dir
		r.Remedy = "unpack a root directory with the workloads' packages and name it in HAPSCOPE_ROOTFS"
		return r
	}
	r.Met = true
	return r
}
