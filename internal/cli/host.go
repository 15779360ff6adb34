package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"hapscope/driver/scenario"
	"hapscope/internal/command"
	"hapscope/lab/image"
	"hapscope/lab/native"
	"hapscope/lab/wire"
	"hapscope/record"
)

// Measuring on the machine itself, with its own runtimes. What that changes on it is in
// docs/host-mode.md.

// mountedRootfs begins the name of the directory at which a process has the image of the
// workloads mounted, in a mount namespace of its own; its id ends it: to remove a
// directory would unmount what another process has there.
const mountedRootfs = stateDir + "/rootfs-"

// rootfsVariable names a directory to use instead.
const rootfsVariable = "HAPSCOPE_ROOTFS"

// hostRootfs is the workloads' root file system as a directory of the machine: the one
// that HAPSCOPE_ROOTFS names, in the lab the one that is mounted there. It is "" where the
// image has to be mounted.
func hostRootfs() string {
	if dir := os.Getenv(rootfsVariable); dir != "" {
		return dir
	}
	if isRoot(wire.RootfsDir) {
		return wire.RootfsDir
	}
	return ""
}

func isRoot(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "usr"))
	return err == nil
}

func rootfsRequirement() record.Requirement {
	dir := hostRootfs()
	r := record.Requirement{Name: "workloads' root file system", Detail: dir, Met: isRoot(dir)}
	if dir != "" {
		if !r.Met {
			r.Detail, r.Remedy = "none at "+dir, "correct HAPSCOPE_ROOTFS, or take it away: hapscope then mounts an image of its own"
		}
		return r
	}
	o := image.Options{WorkloadPackages: workloadPackages(), WorkloadsOnly: true}
	components, err := image.Status(o)
	if err == nil {
		err = imagesUnfit("to mount the workloads' image")
	}
	switch built := err == nil && components[0].Built; {
	case built:
		r.Met, r.Detail = true, "an image, mounted while measuring"
	case err != nil:
		r.Detail, r.Remedy = err.Error(), "run as root on a kernel with loop devices, or name an unpacked root directory with the workloads' packages in HAPSCOPE_ROOTFS"
	default:
		r.Met, r.Detail = true, "an image that is built first, and mounted while measuring"
		if missing := record.Unmet(image.Requirements()); len(missing) > 0 {
			r.Met, r.Detail, r.Remedy = false, "its image is not built: "+record.DescribeUnmet(missing), record.Remedies(missing)
		}
	}
	return r
}

// placeImages are those that a native place is made of: all of a user land, or where
// container engines take part only what the workloads need.
func (a *app) placeImages(ctx context.Context, plan record.Plan, suite, kernel string) (*image.Set, error) {
	if !usesEngine(plan) {
		return a.nativeImages(ctx, suite, kernel)
	}
	return a.workloadImage(ctx)
}

func (a *app) workloadImage(ctx context.Context) (*image.Set, error) {
	o := a.imageOptions("", "")
	o.WorkloadsOnly = true
	images, err := image.Ensure(ctx, o)
	if err != nil {
		return nil, labError("build the image of the workloads", err)
	}
	return images, nil
}

// driveOnHost counts on this machine: here if there is a root file system, else in a
// process that has its image mounted.
func (a *app) driveOnHost(ctx context.Context, dir string, w *record.Writer, run *record.Run, results []record.Result) error {
	if rootfs := hostRootfs(); rootfs != "" {
		return a.drive(ctx, w, run, results, rootfs)
	}
	images, err := a.workloadImage(ctx)
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err = errors.Join(err, w.Close()); err != nil { // that process writes, and there is one writer at a time
		return err
	}
	args := []string{"host", abs}
	if a.noSelfTest {
		args = append(args, "--no-selftest")
	}
	code, err := a.inside(ctx, images, a.stderr, args...)
	switch {
	case ctx.Err() != nil || err == nil && code == exitInterrupted:
		return context.Canceled
	case err != nil:
		return fmt.Errorf("measure on this machine: %w", err)
	case code == exitOK:
		return nil
	case code == exitUnfit:
		return unfitError(errors.New("this machine is unfit for what was asked; the reason stands above"), "measure in the lab: --where lab")
	}
	return fmt.Errorf("measuring on this machine ended with exit code %d; its message stands above", code)
}

// againMounted does what this process was called for in one that has the image of the
// workloads mounted.
func (a *app) againMounted(ctx context.Context) error {
	images, err := a.workloadImage(ctx)
	if err != nil {
		return err
	}
	args, err := json.Marshal(os.Args[1:])
	if err != nil {
		return err
	}
	code, err := a.inside(ctx, images, a.stdout, "mounted", string(args))
	switch {
	case ctx.Err() != nil:
		return context.Canceled
	case err != nil:
		return err
	case code != exitOK:
		return passThrough(code)
	}
	return nil
}

// guestMountedCommand calls hapscope with a root file system that is mounted for it.
func guestMountedCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "mounted JSON", Args: exactly(1)}
	o := nativeFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		var again []string
		if err := json.Unmarshal([]byte(args[0]), &again); err != nil {
			return usageError("%w", err)
		}
		rootfs, unmount, err := mountWorkloads(o.Workloads)
		if err != nil {
			return err
		}
		defer unmount()
		self, err := os.Executable()
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(c.Context(), self, again...)
		cmd.Stdout, cmd.Stderr, cmd.Env = a.stdout, beneath(a.stderr), append(os.Environ(), rootfsVariable+"="+rootfs)
		endGently(cmd)
		defer command.Log(c.Context(), cmd)()
		err = cmd.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Exited() {
			return passThrough(exit.ExitCode())
		}
		return err
	}
	return c
}

// mountWorkloads mounts the image of the workloads for this process.
func mountWorkloads(image string) (dir string, unmount func(), err error) {
	// Directories that killed processes have left are empty, and nobody has mounted there.
	left, _ := filepath.Glob(mountedRootfs + "*")
	for _, dir := range left {
		if pid, err := strconv.Atoi(strings.TrimPrefix(dir, mountedRootfs)); err == nil && unix.Kill(pid, 0) == unix.ESRCH {
			os.Remove(dir)
		}
	}
	dir = mountedRootfs + strconv.Itoa(os.Getpid())
	if err := native.MountImage(image, dir); err != nil {
		return "", nil, unfitError(err, "")
	}
	return dir, func() {
		unix.Unmount(dir, unix.MNT_DETACH)
		os.Remove(dir)
	}, nil
}

// guestHostCommand is the process that has the image of the workloads mounted.
func guestHostCommand(a *app) *cobra.Command {
	var time, leave bool
	c := &cobra.Command{Use: "host DIR", Args: exactly(1)}
	o := nativeFlags(c)
	c.Flags().BoolVar(&time, "time", false, "")
	c.Flags().BoolVar(&leave, "leave", false, "")
	c.Flags().BoolVar(&a.noSelfTest, "no-selftest", false, "")
	c.RunE = func(c *cobra.Command, args []string) error {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // as in guestTimeCommand
		w, run, results, err := record.OpenWriter(args[0])
		if err != nil {
			return fmt.Errorf("open the run directory: %w", err)
		}
		defer w.Close()
		ctx := a.keepLog(c.Context(), args[0])
		rootfs := hostRootfs()
		if rootfs == "" {
			var unmount func()
			if rootfs, unmount, err = mountWorkloads(o.Workloads); err != nil {
				return err
			}
			defer unmount()
		}
		if time {
			return unfit(a.driver(w, run, rootfs).Time(ctx, run.Plan, record.Native, leave, w.Timings()))
		}
		if run.Where != scenario.OnHost {
			return usageError("%s is no run of this machine", args[0])
		}
		return a.drive(ctx, w, run, results, rootfs)
	}
	return c
}
