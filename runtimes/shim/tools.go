package shim

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"hapscope/internal/command"
	"hapscope/record"
	"hapscope/runtimes/file"
)

// Tools implements runtimes.Runtime: the shim, and what its configuration makes of
// one sandbox. What has no version of its own has its digest.
func (r *Runtime) Tools(ctx context.Context) ([]record.Tool, error) {
	in, err := r.installed(ctx)
	if err != nil {
		return nil, err
	}
	tools := []record.Tool{{Name: binary, Path: in.shim, Version: in.version.String()}}
	c := in.config
	programs := []record.Tool{{Name: r.flavour.Hypervisor.Name, Path: c.Monitor}, {Name: "jailer", Path: c.Jailer}}
	if c.servesFiles() {
		programs = append(programs, record.Tool{Name: "virtiofsd", Path: c.FileServer})
	}
	for _, t := range programs {
		if t.Path != "" {
			t.Version = firstLine(ctx, t.Path)
			tools = append(tools, t)
		}
	}
	tools = append(tools, record.Tool{Name: "configuration of Kata", Path: c.Path})
	for _, part := range c.Parts {
		tools = append(tools, record.Tool{Name: "part of the configuration of Kata", Path: part})
	}
	for _, t := range []record.Tool{{Name: "guest kernel", Path: c.Kernel}, {Name: "guest image", Path: c.Image}, {Name: "guest initrd", Path: c.Initrd}} {
		if t.Path != "" {
			tools = append(tools, t)
		}
	}
	for i, t := range tools {
		if tools[i].SHA256, err = file.Digest(t.Path); err != nil {
			return nil, fmt.Errorf("digest %s: %w", t.Path, err)
		}
	}
	more, err := r.options.Engine.Tools(ctx)
	return append(tools, more...), err
}

// firstLine is what a program says about its version; one that says nothing is known
// by its digest.
func firstLine(ctx context.Context, path string) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, path, "--version")
	defer command.Log(ctx, c)()
	out, err := c.Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
