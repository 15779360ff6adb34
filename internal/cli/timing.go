package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hapscope/driver"
	"hapscope/driver/scenario"
	"hapscope/internal/command"
	"hapscope/internal/kernel/capability"
	"hapscope/internal/kernel/cgroup"
	"hapscope/lab/image"
	"hapscope/lab/native"
	"hapscope/lab/vm"
	"hapscope/lab/wire"
	"hapscope/record"
)

// labPlace is the place of timings that are taken in a lab.
func labPlace(lab *record.Lab) record.Place {
	if lab.Accelerator == vm.TCG {
		return record.Emulated
	}
	return record.KVM
}

// nativeUnfit says why nothing can be timed on this machine, as far as that is known
// without trying.
func nativeUnfit() error { return imagesUnfit("timing on this machine") }

// imagesUnfit says why what needs the images mounted cannot be done here.
func imagesUnfit(what string) error {
	if uid := os.Geteuid(); uid != 0 {
		return fmt.Errorf("%s needs root, and the effective user id is %d", what, uid)
	}
	if missing, err := capability.Missing(timingCapabilities()...); err == nil && len(missing) > 0 {
		return fmt.Errorf("%s needs %s, without which root is here", what, strings.Join(missing, ", "))
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		return fmt.Errorf("%s needs loop devices for the images: %w", what, err)
	}
	return nil
}

// timingCapabilities are those that timing needs of root, whatever starts the sandboxes
// (docs/host-mode.md): to mount images and to make cgroups; to write to both, whose owner
// may be another; to run the load generators in the workloads' root file system.
func timingCapabilities() []string {
	return []string{"CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_SYS_CHROOT"}
}

// residentMemory is what the driver asks for.
func residentMemory(dir string) (record.Memory, error) {
	now, peak, source, err := cgroup.Memory(dir)
	return record.Memory{Source: source, Steady: now, Peak: peak}, err
}

// nativeImages are those that a native place is made of.
func (a *app) nativeImages(ctx context.Context, suite, kernel string) (*image.Set, error) {
	images, err := image.Ensure(ctx, a.imageOptions(suite, kernel))
	if err != nil {
		return nil, fmt.Errorf("build the images: %w", err)
	}
	return images, nil
}

// timeNatively times the run's cells on this machine, in a process with a mount
// namespace of its own. Where the lab comes afterwards it is left what cannot run here.
// The writer is closed: that process writes too, and there is one writer at a time.
func (a *app) timeNatively(ctx context.Context, w *record.Writer, run *record.Run) error {
	defer w.Close()
	leave := run.Where == scenario.InLab && run.Plan.Timing.Where == scenario.Auto
	err := nativeUnfit()
	if err == nil {
		err = a.enterAndTime(ctx, w, run, leave)
	} else if e := noteNative(w, func(at *record.TimedAt) { at.Unfit = err.Error() }); e != nil {
		return e
	}
	var coded *codedError
	known := errors.As(err, &coded) && coded.code == exitUnfit || nativeUnfit() != nil
	switch {
	case err == nil || ctx.Err() != nil || !known:
		return err
	case !leave:
		return unfitError(err, "time in the lab: --where lab")
	}
	a.log.Warn("nothing is timed on this machine, but in the lab", "why", err)
	return nil
}

func (a *app) enterAndTime(ctx context.Context, w *record.Writer, run *record.Run, leave bool) error {
	var suite, kernel string
	if run.Lab != nil {
		suite, kernel = run.Lab.Suite, run.Lab.KernelSuite
	}
	images, err := a.placeImages(ctx, run.Plan, suite, kernel)
	if err != nil {
		return err
	}
	if before := run.Timed[record.Native]; before != nil {
		if err := sameImages(before.Images, images); err != nil {
			return err
		}
	}
	err = noteNative(w, func(at *record.TimedAt) { at.Images, at.Packages = nativeParts(images) })
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	abs, err := filepath.Abs(w.Dir())
	if err != nil {
		return err
	}
	args := []string{"time", abs}
	if usesEngine(run.Plan) { // which is this machine's: so is all that the plan starts
		args = []string{"host", abs, "--time"}
	}
	if leave {
		args = append(args, "--leave")
	}
	code, err := a.inside(ctx, images, a.stderr, args...)
	switch {
	case ctx.Err() != nil:
		return context.Canceled
	case err != nil:
		return fmt.Errorf("time on this machine: %w", err)
	case code == exitOK:
		return nil
	case code == exitInterrupted:
		return context.Canceled
	case code == exitUnfit:
		return unfitError(errors.New("this machine is unfit to be timed on; the reason stands above"), "")
	}
	return fmt.Errorf("timing on this machine ended with exit code %d; its message stands above", code)
}

// noteNative changes what the record says of the native place.
func noteNative(w *record.Writer, change func(*record.TimedAt)) error {
	return w.UpdateRun(func(r *record.Run) { change(r.TimedIn(record.Native)) })
}

// nativeParts are the images, and their packages, that the native place is made of.
func nativeParts(images *image.Set) (keys map[string]string, packages []record.Package) {
	keys = map[string]string{}
	for _, component := range []string{image.Userland, image.Workloads, image.Tools} {
		if key := images.Keys[component]; key != "" {
			keys[component] = key
		}
	}
	for _, p := range images.Packages {
		if keys[p.Image] != "" {
			packages = append(packages, p)
		}
	}
	return keys, packages
}

// inside runs a guest's verb in a process of the native place. ctx's end asks it to
// clean up and end.
func (a *app) inside(ctx context.Context, images *image.Set, stdout io.Writer, args ...string) (code int, err error) {
	release, _, err := images.Hold()
	if err != nil {
		return 0, err
	}
	defer release()
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	args = append([]string{"guest"}, args...)
	args = append(args, "--workloads", images.Workloads)
	if images.Userland != "" {
		args = append(args, "--userland", images.Userland, "--tools", images.Tools)
	}
	for flag, on := range map[string]bool{"--verbose": a.verbose, "--quiet": a.quiet} {
		if on {
			args = append(args, flag)
		}
	}
	c := exec.CommandContext(ctx, self, args...)
	c.Stdout, c.Stderr = beneath(stdout), beneath(a.stderr)
	c.SysProcAttr = native.Attributes()
	endGently(c)
	runtime.LockOSThread() // Pdeathsig looks at this thread
	defer runtime.UnlockOSThread()
	defer command.Log(ctx, c)()
	err = c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// gentleEnd is how long a process that was asked to end may take to remove its sandbox,
// for which the driver gives itself two minutes.
const gentleEnd = 3 * time.Minute

// endGently has a command asked to end when its context does, and killed where it does not.
func endGently(c *exec.Cmd) {
	c.Cancel = func() error {
		err := c.Process.Signal(syscall.SIGTERM)
		c.Process.Signal(syscall.SIGCONT) // who was stopped would not hear it
		return err
	}
	c.WaitDelay = gentleEnd
}

// nativeFlags are those with which inside starts a process.
func nativeFlags(c *cobra.Command) *native.Options {
	o := &native.Options{Lock: filepath.Join(stateDir, "lock")}
	c.Flags().StringVar(&o.Userland, "userland", "", "")
	c.Flags().StringVar(&o.Workloads, "workloads", "", "")
	c.Flags().StringVar(&o.Tools, "tools", "", "")
	return o
}

func guestTimeCommand(a *app) *cobra.Command {
	var leave bool
	c := &cobra.Command{Use: "time DIR", Args: exactly(1)}
	o := nativeFlags(c)
	c.Flags().BoolVar(&leave, "leave", false, "")
	c.RunE = func(c *cobra.Command, args []string) error {
		// Whoever reads what this prints may be killed, and there is a sandbox to be
		// removed then: a write that finds nobody must not end the process. (Caught, not
		// ignored, which sandboxes would inherit.)
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
		w, run, _, err := record.OpenWriter(args[0])
		if err != nil {
			return fmt.Errorf("open the run directory: %w", err)
		}
		defer w.Close()
		ctx := a.keepLog(c.Context(), args[0])
		o.Shared = []string{args[0]}
		if err := native.Enter(*o); err != nil {
			note := noteNative(w, func(at *record.TimedAt) { at.Unfit = err.Error() })
			return errors.Join(unfitError(err, ""), note)
		}
		return unfit(a.driver(w, run, wire.RootfsDir).Time(ctx, run.Plan, record.Native, leave, w.Timings()))
	}
	return c
}

// guestFitnessCommand prints what each variant needs in the native place.
func guestFitnessCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "fitness", Args: exactly(0)}
	o := nativeFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := native.Enter(*o); err != nil {
			return unfitError(err, "")
		}
		var variants []record.VariantInfo
		for _, r := range allRuntimes(record.Plan{}, wire.RootfsDir) {
			variants = append(variants, r.Check(c.Context()))
		}
		return json.NewEncoder(a.stdout).Encode(variants)
	}
	return c
}

// diagnoseNative looks at what can be timed on this machine, from inside the place.
func (a *app) diagnoseNative(ctx context.Context, suite, kernel string) *fitness {
	f := &fitness{}
	fail := func(name string, err error, remedy string) *fitness {
		f.Requirements = append(f.Requirements, record.Requirement{Name: name, Detail: err.Error(), Remedy: remedy})
		return f
	}
	if err := nativeUnfit(); err != nil {
		return fail("mount namespace", err, "run as root on a kernel with loop devices, or time in the lab")
	}
	images, err := a.nativeImages(ctx, suite, kernel)
	if err != nil {
		return fail("images", err, "`hapscope lab build`")
	}
	var out bytes.Buffer
	code, err := a.inside(ctx, images, &out, "fitness")
	if err == nil && code != exitOK {
		err = errors.New("the images cannot be entered; the reason stands above")
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &f.Variants)
	}
	if err != nil {
		return fail("mount namespace", err, "or time in the lab")
	}
	f.Requirements = []record.Requirement{{Name: "mount namespace", Met: true, Detail: "tried, works"}}
	f.decide()
	return f
}

// timingLine is one timed repetition, for people who wait.
func timingLine(p driver.TimingProgress) string {
	t := p.Timing
	var what []string
	if t.StartUp != nil {
		what = append(what, fmt.Sprintf("up in %.2f s", *t.StartUp))
	}
	if t.Throughput != nil {
		what = append(what, fmt.Sprintf("%.0f req/s", float64(t.Throughput.Requests)/t.Throughput.Seconds))
	}
	if t.Memory != nil {
		what = append(what, fmt.Sprintf("%.0f MiB", float64(t.Memory.Steady)/(1<<20)))
	}
	line := fmt.Sprintf("[%*d/%d] %-31s #%-2d %-8s %-40s %5.1f s   elapsed %s", len(fmt.Sprint(p.Total)), p.Number, p.Total,
		t.Cell(), t.Repetition, t.Status, strings.Join(what, ", "), t.Seconds, clock(p.Elapsed))
	if p.Left > time.Second/2 {
		line += ", left about " + clock(p.Left)
	}
	if t.Status != record.OK {
		line += "\n        " + indented(t.Reason)
	}
	return line
}
