package docker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes/docker/daemon"
)

// Where a daemon has systemd make its cgroups, a container's parent is a slice, and the
// container a scope in it (docker-ID.scope).

const (
	driverSystemd = "systemd"
	// allSlices is the one that holds those of all sandboxes: a '-' in the name of a slice
	// leads one level down (systemd.slice(5)).
	allSlices = "hapscope.slice"
)

// sliceOf is a sandbox's. Its id has '-' of its own, and may be long.
func sliceOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "hapscope-" + hex.EncodeToString(sum[:6]) + ".slice"
}

// stopSlices has systemd forget slices whose cgroups are gone: it would go on listing them
// as active. The command is forked on another thread: it is ours, and is not followed.
func stopSlices(ctx context.Context, names ...string) error {
	var out bytes.Buffer
	c := exec.CommandContext(ctx, "systemctl", append([]string{"stop"}, names...)...)
	c.Stdout, c.Stderr = &out, &out
	done := make(chan error, 1)
	go func() { done <- c.Run() }()
	if err := <-done; err != nil {
		return fmt.Errorf("%v: %w: %s", c.Args, err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

// releaseSlice is for after a sandbox: its slice, and the one of all unless others use it.
func releaseSlice(ctx context.Context, slice string) error {
	root, err := cgroup.Root()
	if err != nil {
		return err
	}
	names := []string{slice}
	if !cgroup.Exists(filepath.Join(root, allSlices)) {
		names = append(names, allSlices)
	}
	return stopSlices(ctx, names...)
}

// sweepSlices removes those that a killed hapscope has left.
func sweepSlices(ctx context.Context, i daemon.Info) (removed []string, err error) {
	root, err := cgroup.Root()
	if err != nil || !i.CgroupV2 || i.CgroupDriver != driverSystemd {
		return nil, nil // Check says why
	}
	dir := filepath.Join(root, allSlices)
	if !cgroup.Exists(dir) {
		return nil, nil
	}
	if err := errors.Join(cgroup.Remove(ctx, dir), stopSlices(ctx, allSlices)); err != nil {
		return nil, err
	}
	return []string{"cgroup " + dir}, nil
}
