package vm

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hapscope/lab/cpio"
	"hapscope/lab/wire"
)

// writeInitramfs writes what the kernel starts from: the agent's binary as
// /init, the modules that reach the disks, and the configuration.
func writeInitramfs(name, agent string, modules []string, conf wire.Config) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the initramfs: %w", err)
	}
	defer f.Close()
	a := cpio.New(f)
	for _, d := range []string{"dev", "proc", "sys", strings.TrimPrefix(wire.ModuleDir, "/")} {
		a.Dir(d)
	}
	a.Device("dev/console", 5, 1)
	for _, m := range modules {
		base := filepath.Base(m)
		conf.Modules = append(conf.Modules, base)
		if err := a.Add(strings.TrimPrefix(wire.ModuleDir, "/")+"/"+base, cpio.ModeFile, m); err != nil {
			return err
		}
	}
	if err := a.Add("init", cpio.ModeExec, agent); err != nil {
		return err
	}
	b, err := json.Marshal(conf)
	if err != nil {
		return fmt.Errorf("encode the lab's configuration: %w", err)
	}
	a.File(strings.TrimPrefix(wire.ConfigPath, "/"), cpio.ModeFile, int64(len(b)), bytes.NewReader(b))
	if err := a.Close(); err != nil {
		return fmt.Errorf("write the initramfs: %w", err)
	}
	return f.Close()
}

// checkAgent refuses a binary that could not run as /init, where there is no
// library to link with.
func checkAgent(name string) error {
	f, err := elf.Open(name)
	if err != nil {
		return fmt.Errorf("read the agent's binary %s: %w", name, err)
	}
	defer f.Close()
	if f.Machine != elf.EM_X86_64 {
		return fmt.Errorf("the agent's binary %s is for %s: the lab is x86-64 only", name, f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("the agent's binary %s is linked dynamically and cannot be process 1: build it with CGO_ENABLED=0", name)
		}
	}
	return nil
}
