package oci

import (
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

// probeDeadline is some ten times what gVisor with KVM takes under emulation.
const probeDeadline = 90 * time.Second

// probe runs the flavour's trial command and leaves nothing behind.
func (r *Runtime) probe(ctx context.Context) (err error) {
	if err := os.MkdirAll(stateDir, 0o711); err != nil {
		return err
	}
	root, err := os.MkdirTemp(stateDir, "probe-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, killByRoot(root), removeState(root)) }()

	ctx, cancel := context.WithTimeoutCause(ctx, probeDeadline, fmt.Errorf("no end after %v", probeDeadline))
	defer cancel()
	args := append([]string{"--root", root}, r.flavour.GlobalArgs...)
	c := exec.CommandContext(ctx, r.options.Path, append(args, r.flavour.Probe...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second // whoever else holds its output
	defer command.Log(ctx, c)()
	output, err := c.CombinedOutput()
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("%s: %w: %s", strings.Join(c.Args, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}
