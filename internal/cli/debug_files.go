package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hapscope/internal/debuginfo"
	"hapscope/internal/kernel/machine"
	"hapscope/lab/image"
	"hapscope/record"
)

// debugFiles are files with a kernel's debug information.
type debugFiles struct {
	vmlinux string
	modules map[string]string // by name
	remove  func() error
}

// debugFiles gets them from where the user wants, or where they most likely are.
func (a *app) debugFiles(ctx context.Context, rec *record.Record, build string, modules []string, t kernelTable) (*debugFiles, error) {
	keep := func() error { return nil }
	servers := strings.Fields(os.Getenv("DEBUGINFOD_URLS"))
	switch {
	case t.vmlinux != "" && t.modules == "":
		return &debugFiles{t.vmlinux, nil, keep}, nil
	case t.vmlinux != "":
		found, err := image.FindModules(t.modules, modules)
		return &debugFiles{t.vmlinux, found, keep}, err
	case rec.Run.Lab == nil && t.suite == "" && len(servers) > 0:
		return a.debuginfodFiles(ctx, debuginfo.Servers(servers), build, modules)
	}
	m := rec.Run.Machine
	if m == nil || m.BuildID != build {
		return nil, usageError("the record does not say which release of the kernel this is: give --vmlinux")
	}
	suite := t.suite
	if suite == "" && rec.Run.Lab != nil {
		suite = rec.Run.Lab.KernelSuite
	}
	if suite == "" {
		return nil, &codedError{exitUsage, errors.New("nothing says where the debug information of Linux " + m.Release + " is"),
			"give --vmlinux; or --suite, if it is one of Debian's kernels; or set DEBUGINFOD_URLS to your distribution's server"}
	}
	debug, err := image.FetchDebug(ctx, image.DebugOptions{Suite: suite, Release: m.Release, Modules: modules, Keep: t.keep, Progress: a.progress()})
	if err != nil {
		return nil, labError("fetch debug information", err)
	}
	return &debugFiles{debug.Vmlinux, debug.Modules, debug.Remove}, nil
}

// debuginfodFiles asks servers. They know files by build id alone: those of modules are
// known to the machine that has them loaded.
func (a *app) debuginfodFiles(ctx context.Context, servers debuginfo.Servers, build string, modules []string) (files *debugFiles, err error) {
	dir, err := os.MkdirTemp("", "hapscope-debuginfo-")
	if err != nil {
		return nil, err
	}
	files = &debugFiles{filepath.Join(dir, "vmlinux"), map[string]string{}, func() error { return os.RemoveAll(dir) }}
	defer func() {
		if err != nil {
			err = errors.Join(err, files.remove())
		}
	}()
	fmt.Fprintf(a.progress(), "kernel table: asking debuginfod for build %s …\n", build)
	if err := servers.Fetch(ctx, build, files.vmlinux); err != nil {
		return nil, err
	}
	if here, err := machine.Facts(); err != nil || here.BuildID != build {
		a.log.Warn("the record is of another machine's kernel, so no one here knows the build ids of its modules")
		return files, nil
	}
	for _, name := range modules {
		id, err := machine.ModuleBuildID(name)
		if err == nil {
			path := filepath.Join(dir, name+".ko")
			if err = servers.Fetch(ctx, id, path); err == nil {
				files.modules[name] = path
			}
		}
		if err != nil {
			a.log.Warn("module " + name + ": " + err.Error())
		}
	}
	return files, nil
}
