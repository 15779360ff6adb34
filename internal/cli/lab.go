package cli

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hapscope/lab/image"
	"hapscope/lab/vm"
)

// labCommand is the verb that deals with the disposable VM itself.
func labCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "lab",
		Short: "build, enter and remove the disposable VM",
		Long: `The lab is a throw-away virtual machine with a pinned Debian kernel. Its images
are built once, cached, and attached read-only; nothing survives a machine.

HAPSCOPE_CACHE names another cache directory, HAPSCOPE_ACCEL overrides the
choice of the accelerator: kvm, tcg, or probe, which tries KVM anew.
HAPSCOPE_CPUS is how many CPUs a machine has: 1 where several are emulated at once.`,
	}
	c.AddCommand(labBuildCommand(a), labShellCommand(a), labExecCommand(a), labStatusCommand(a), labCleanCommand(a))
	return c
}

// labImages are the flags that say which images are meant.
type labImages struct {
	suite, kernel string
	tracers, kata bool
	docker        bool
}

// labTracers are the Debian packages of the tracers that hapscope is compared
// with, and what the witness bcc needs at run time.
var labTracers = []string{"trace-cmd", "linux-perf", "bpftrace", "bpfcc-tools", "libbpfcc", "linux-headers-amd64"}

// labEngines are the Debian packages of the container engines that hapscope is tested
// with, and what they call.
var labEngines = []string{"docker.io", "podman", "containerd", "runc", "crun", "iptables", "ca-certificates", "netavark", "util-linux"}

// options are those of the images.
func (l *labImages) options(a *app) image.Options {
	o := a.imageOptions(l.suite, l.kernel)
	o.Kata = l.kata
	if l.docker {
		o.DockerPackages = labEngines
	}
	if l.tracers {
		o.TracerPackages = labTracers
	}
	return o
}

func (l *labImages) flags(c *cobra.Command) {
	c.Flags().StringVar(&l.suite, "lab-suite", image.DefaultSuite, "Debian suite of the userland and the workloads")
	c.Flags().BoolVar(&l.tracers, "tracers", false, "with other tracers: trace-cmd, perf, bpftrace, bcc")
	c.Flags().BoolVar(&l.docker, "docker", false, "with the container engines Docker and Podman")
	c.Flags().BoolVar(&l.kata, "kata", false, "with what a Kata sandbox needs")
	c.Flags().StringVar(&l.kernel, "lab-kernel", image.DefaultSuite, "Debian suite of the kernel: trixie (6.12) or bookworm (6.1)")
}

// labError gives an error of the lab its hint and exit code.
func labError(what string, err error) error {
	var missing *image.MissingToolError
	if errors.As(err, &missing) {
		return unfitError(fmt.Errorf("%s: %w", what, err), missing.Remedy)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func labBuildCommand(a *app) *cobra.Command {
	var images labImages
	c := &cobra.Command{
		Use:   "build",
		Short: "build what is not cached",
		Example: `  hapscope lab build
  hapscope lab build --lab-kernel bookworm      the same with Debian 12's 6.1 kernel`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := image.Ensure(c.Context(), images.options(a))
			if err != nil {
				return labError("build the lab", err)
			}
			fmt.Fprintf(a.stdout, "Linux %s (Debian %s), userland Debian %s\n", set.Release, set.KernelSuite, set.Suite)
			return nil
		},
	}
	images.flags(c)
	return c
}

func labStatusCommand(a *app) *cobra.Command {
	var images labImages
	c := &cobra.Command{
		Use:   "status",
		Short: "show what is cached, and whether it is in use",
		Args:  exactly(0),
		RunE: func(*cobra.Command, []string) error {
			o := images.options(a)
			wanted, err := image.Status(o)
			if err != nil {
				return fmt.Errorf("lab status: %w", err)
			}
			others, err := image.Others(o)
			if err != nil {
				return fmt.Errorf("lab status: %w", err)
			}
			t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "COMPONENT\tKEY\tSTATE\tSIZE\tBUILT\tPATH")
			for _, s := range wanted {
				printComponent(t, s, "ready")
			}
			for _, s := range others {
				printComponent(t, s, "other")
			}
			return t.Flush()
		},
	}
	images.flags(c)
	return c
}

func printComponent(t *tabwriter.Writer, s image.ComponentStatus, state string) {
	size, built := "–", "–"
	switch {
	case !s.Built && s.InUse:
		state = "being built"
	case !s.Built:
		state = "not built"
	case s.InUse:
		state += ", in use"
	}
	if s.Built {
		size = fmt.Sprintf("%d MiB", s.Bytes>>20)
		if !s.BuiltAt.IsZero() {
			built = fmt.Sprintf("%s in %.0f s", s.BuiltAt.Local().Format(time.DateTime), s.Took.Seconds())
		}
	}
	fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.Key, state, size, built, s.Path)
}

func labCleanCommand(a *app) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "clean",
		Short: "remove cached images",
		Long: `Removes the cached images that this version would not use, and what killed
builders left. An image that a running machine uses stays.`,
		Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			vm.Sweep()
			cleaned, err := image.Clean((&labImages{tracers: true, kata: true, docker: true}).options(a), all)
			for _, c := range cleaned {
				verb := "removed"
				if c.InUse {
					verb = "kept (in use)"
				}
				fmt.Fprintf(a.stdout, "%s %s %s, %d MiB\n", verb, c.Component, c.Key, c.Bytes>>20)
			}
			if err != nil {
				return fmt.Errorf("lab clean: %w", err)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "remove the images that are in order as well")
	return c
}
