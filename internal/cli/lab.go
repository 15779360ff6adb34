package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hapscope/lab/image"
)

// labCommand is the verb that deals with the disposable VM itself.
func labCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "lab",
		Short: "build, enter and remove the disposable VM",
		Long: `The lab is a throw-away virtual machine with a pinned Debian kernel. Its images
are built once, cached, and attached read-only; nothing survives a machine.

HAPSCOPE_CACHE names another cache directory, HAPSCOPE_ACCEL (auto, kvm, tcg)
overrides the choice of the accelerator.`,
	}
	c.AddCommand(labBuildCommand(a), labExecCommand(a))
	return c
}

// labImages are the flags that say which images are meant.
type labImages struct{ suite, kernel string }

func (l *labImages) flags(c *cobra.Command) {
	c.Flags().StringVar(&l.suite, "suite", image.DefaultSuite, "Debian suite of the userland and the workloads")
	c.Flags().StringVar(&l.kernel, "kernel", image.DefaultSuite, "Debian suite of the kernel: trixie (6.12) or bookworm (6.1)")
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
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := image.Ensure(c.Context(), a.imageOptions(images.suite, images.kernel))
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
