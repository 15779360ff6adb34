package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"hapscope/internal/command"
)

// MissingToolError says that the host lacks a program that building needs.
// Running a lab that is built needs none.
type MissingToolError struct{ Tool, Remedy string }

func (e *MissingToolError) Error() string {
	return "building needs " + e.Tool + ", which is not in PATH: " + e.Remedy
}

// How to get the programs that building needs.
const (
	mmdebstrapRemedy = "apt-get install mmdebstrap"
	goRemedy         = "install Go from https://go.dev/dl or your distribution"
)

func need(tool, remedy string) (string, error) {
	path, err := exec.LookPath(tool)
	if err != nil {
		return "", &MissingToolError{tool, remedy}
	}
	return path, nil
}

// debootstrap writes a tar archive of a Debian suite with packages. Variant is
// mmdebstrap's: minbase is a small system, extract only unpacks the packages and
// what they depend on, custom has nothing but what options do. The mirror is the one that the host's apt is set up for.
func debootstrap(ctx context.Context, suite, variant string, packages []string, archive string, options ...string) error {
	mmdebstrap, err := need("mmdebstrap", mmdebstrapRemedy)
	if err != nil {
		return err
	}
	args := append([]string{"--variant=" + variant, "--format=tar"}, options...)
	if len(packages) > 0 {
		args = append(args, "--include="+strings.Join(packages, ","))
	}
	return runLogged(ctx, exec.CommandContext(ctx, mmdebstrap, append(args, suite, archive)...))
}

// runLogged runs a command of which only a failure is of interest: the error
// then carries the command line, to be pasted, and the end of its output.
func runLogged(ctx context.Context, cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// A process group of its own, so that an interrupt reaches the children as
	// well; a first SIGTERM lets mmdebstrap remove its chroot and its mounts.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	logged := command.Log(ctx, cmd)
	err := cmd.Run()
	logged()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, indentTail(out.String()))
}

// indentTail is the last lines of a program's output.
func indentTail(text string) string {
	const keep = 25
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > keep {
		lines = lines[len(lines)-keep:]
	}
	return "  " + strings.Join(lines, "\n  ")
}

// dropFile removes an intermediate file.
func dropFile(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
