package oci

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"hapscope/internal/command"
	"hapscope/internal/kernel/cgroup"
)

// unaccounted reports whether the program would refuse this machine's unified hierarchy
// because cgroup v1 has the controllers that it wants. It is then told to leave cgroups
// alone, and everything that it starts is in the sandbox's, because it is there itself.
func (r *Runtime) unaccounted() bool {
	if len(r.flavour.Controllers) == 0 {
		return false
	}
	root, err := cgroup.Root()
	if err != nil {
		return false // and Check says so
	}
	have, err := cgroup.Controllers(root)
	return err == nil && slices.ContainsFunc(r.flavour.Controllers, func(c string) bool { return !slices.Contains(have, c) })
}

// joining makes the sandbox's cgroup and a program that enters it before it becomes the
// runtime. It is a script because go-runc lets nobody say in which cgroup a command is
// to start; a shell more is a millisecond of the sandbox's start.
func (s *sandbox) joining() (path string, err error) {
	program, err := exec.LookPath(s.runtime.options.Path)
	if err != nil {
		return "", err
	}
	if err := cgroup.Create(s.cgroup); err != nil {
		return "", err
	}
	script := fmt.Sprintf("#!/bin/sh\necho $$ >%s && exec %s \"$@\"\n", command.Line([]string{filepath.Join(s.cgroup, "cgroup.procs")}), command.Line([]string{program}))
	path = s.joinPath()
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		return "", err
	}
	return path, nil
}

func (s *sandbox) joinPath() string { return filepath.Join(s.spec.Scratch, "join-cgroup") }
