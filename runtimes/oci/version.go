package oci

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hapscope/internal/command"
	"hapscope/record"
	"hapscope/runtimes/file"
)

// Tools implements runtimes.Runtime.
func (r *Runtime) Tools(ctx context.Context) ([]record.Tool, error) {
	path, err := exec.LookPath(r.options.Path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", r.flavour.Binary, err)
	}
	version, err := r.version(ctx, path)
	if err != nil {
		return nil, err
	}
	sum, err := file.Digest(path)
	if err != nil {
		return nil, fmt.Errorf("digest %s: %w", path, err)
	}
	tools := []record.Tool{{Name: r.flavour.Binary, Path: path, Version: version, SHA256: sum}}
	for _, n := range r.flavour.Programs {
		path, err := exec.LookPath(n.Path)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", n.Path, err)
		}
		if sum, err = file.Digest(path); err != nil {
			return nil, fmt.Errorf("digest %s: %w", path, err)
		}
		tools = append(tools, record.Tool{Name: filepath.Base(n.Path), Path: path, SHA256: sum})
	}
	return tools, nil
}

func (r *Runtime) version(ctx context.Context, path string) (string, error) {
	if r.flavour.NoVersion {
		return builtVersion(path)
	}
	return version(ctx, path)
}

// version asks a runtime for its version. A runsc that was built as a Go
// module does not know its own, but the Go linker has written it into the file.
func version(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, path, "--version")
	defer command.Log(ctx, c)()
	output, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w: %s", path, err, strings.TrimSpace(string(output)))
	}
	v, err := parseVersion(string(output))
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	if v != unstamped {
		return v, nil
	}
	return builtVersion(path)
}

// builtVersion is what the Go linker has written into a program.
func builtVersion(path string) (string, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s has no version: %w", path, err)
	}
	return info.Main.Version, nil
}

// unstamped is what runsc says when Bazel has not set its version
// (gvisor.dev/gvisor/runsc/version).
const unstamped = "VERSION_MISSING"

// parseVersion reads the version out of the first line, which is "NAME version
// VERSION" in all OCI runtimes.
func parseVersion(output string) (string, error) {
	line, _, _ := strings.Cut(output, "\n")
	f := strings.Fields(line)
	if len(f) < 3 || f[1] != "version" {
		return "", fmt.Errorf("no version in %q", line)
	}
	return f[2], nil
}
