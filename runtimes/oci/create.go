package oci

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	runc "github.com/containerd/go-runc"

	"hapscope/internal/kernel/cgroup"
	"hapscope/runtimes"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/netns"
)

// cgroupParent is the cgroup below the hierarchy's root that holds those of
// all sandboxes.
const cgroupParent = "/hapscope"

// Create implements runtimes.Runtime.
func (r *Runtime) Create(ctx context.Context, spec runtimes.Spec) (runtimes.Sandbox, error) {
	s := &sandbox{runtime: r, spec: spec}
	if err := s.create(ctx); err != nil {
		err = fmt.Errorf("create sandbox %s: %w", spec.ID, err)
		if tail := s.Output(); tail != "" {
			err = fmt.Errorf("%w; its last output:\n%s", err, tail)
		}
		// The deadline of the caller may be what made it fail.
		return nil, errors.Join(err, s.Delete(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *sandbox) create(ctx context.Context) error {
	if err := checkID(s.spec.ID); err != nil {
		return err
	}
	root, err := cgroup.Root()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, cgroupParent, s.spec.ID)
	if cgroup.Exists(dir) {
		return fmt.Errorf("its cgroup %s is there already", dir)
	}
	if err := os.MkdirAll(s.runtime.root(), 0o711); err != nil {
		return err
	}
	if s.net, err = netns.Create(s.spec.ID); err != nil {
		return err
	}
	s.cgroup = dir
	if s.bundle, err = bundle.Create(s.spec, filepath.Join(cgroupParent, s.spec.ID), s.net.Path); err != nil {
		return err
	}
	streams, err := openStreams(s.outputPath())
	if err != nil {
		return err
	}
	defer streams.Close()
	s.asked = true
	err = s.call(ctx, "create", func(ctx context.Context) error {
		return s.runtime.command().Create(ctx, s.spec.ID, s.bundle.Dir, &runc.CreateOpts{IO: streams, PidFile: s.pidPath()})
	})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(s.pidPath())
	if err != nil {
		return fmt.Errorf("read the sandbox's process id: %w", err)
	}
	if s.pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		return fmt.Errorf("read the sandbox's process id: %w", err)
	}
	return s.Running(ctx)
}

// checkID refuses what would lead out of our directories, or what a runtime
// would refuse later with less clear words.
func checkID(id string) error {
	if id == "" || id[0] == '-' || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("the id %q is not made of a-z, 0-9 and -", id)
	}
	return nil
}
