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
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/bundle"
	"hapscope/runtimes/file"
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
	if err := s.prepare(); err != nil {
		return err
	}
	if s.bundle, err = bundle.Create(s.spec, filepath.Join(cgroupParent, s.spec.ID), s.net.Path); err != nil {
		return err
	}
	if err := s.addUnikernel(); err != nil {
		return err
	}
	streams, err := openStreams(s.outputPath())
	if err != nil {
		return err
	}
	defer streams.Close()
	command := s.runtime.command()
	if s.runtime.unaccounted() {
		if command.Command, err = s.joining(); err != nil {
			return err
		}
	}
	s.asked = true
	err = s.call(ctx, "create", func(ctx context.Context) error {
		return command.Create(ctx, s.id(), s.bundle.Dir, &runc.CreateOpts{IO: streams, PidFile: s.pidPath()})
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
	if s.runtime.flavour.NoCgroup {
		if err := cgroup.Enter(s.cgroup, s.pid); err != nil {
			return errors.Join(err, s.Running(ctx))
		}
	}
	return s.Running(ctx)
}

// prepare makes what a flavour wants beforehand, and of what the sandbox is to run what
// it can run.
func (s *sandbox) prepare() error {
	f := s.runtime.flavour
	if f.Gateway {
		if err := s.net.AddGateway(); err != nil {
			return err
		}
	}
	if f.NoCgroup {
		if err := cgroup.Create(s.cgroup); err != nil {
			return err
		}
	}
	u := s.spec.Unikernel
	if f.Unikernel == nil {
		return nil
	}
	if _, err := f.Unikernel.Examine(u); err != nil {
		return fmt.Errorf("the unikernel: %w", err)
	}
	s.spec.Process = record.Process{Args: append([]string{"/" + filepath.Base(u.Image)}, u.Args...), Cwd: "/"}
	s.spec.Rootfs = u.Disk
	if u.Disk == "" { // the root holds the unikernel and nothing else
		s.spec.Rootfs = s.emptyPath()
		return os.Mkdir(s.emptyPath(), 0o755)
	}
	return nil
}

// addUnikernel puts the unikernel into the sandbox's root file system.
func (s *sandbox) addUnikernel() error {
	if s.runtime.flavour.Unikernel == nil {
		return nil
	}
	image := s.spec.Unikernel.Image
	if err := file.Copy(filepath.Join(s.bundle.Rootfs, filepath.Base(image)), image); err != nil {
		return fmt.Errorf("put the unikernel into the root file system: %w", err)
	}
	return nil
}

// checkID refuses what would lead out of our directories, or what a runtime
// would refuse later with less clear words.
func checkID(id string) error {
	if id == "" || id[0] == '-' || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("the id %q is not made of a-z, 0-9 and -", id)
	}
	return nil
}
