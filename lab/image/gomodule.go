package image

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hapscope/internal/command"
)

// goModule is a module of build tools in a directory.
type goModule struct {
	dir       string
	toolchain string
	cgo       bool
}

// create makes the directory.
func (g goModule) create(mod, sum []byte) error {
	if err := os.MkdirAll(g.dir, 0o755); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"go.mod": mod, "go.sum": sum} {
		if err := os.WriteFile(filepath.Join(g.dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (g goModule) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	goCommand, err := need("go", goRemedy)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, goCommand, args...)
	cmd.Dir = g.dir
	cgo := "CGO_ENABLED=0"
	if g.cgo {
		cgo = "CGO_ENABLED=1"
	}
	cmd.Env = append(os.Environ(), cgo, "GOOS=linux", "GOARCH=amd64", "GOWORK=off", "GOFLAGS=", "PWD="+g.dir)
	if releaseVersion.MatchString(g.toolchain) {
		// The compiler is an input of the key, so it has to be that one.
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+g.toolchain)
	}
	return cmd, nil
}

func (g goModule) run(ctx context.Context, args ...string) error {
	cmd, err := g.command(ctx, args...)
	if err != nil {
		return err
	}
	return runLogged(ctx, cmd)
}

func (g goModule) output(ctx context.Context, args ...string) (string, error) {
	cmd, err := g.command(ctx, args...)
	if err != nil {
		return "", err
	}
	defer command.Log(ctx, cmd)()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// build builds one program.
func (g goModule) build(ctx context.Context, out, pkg string, flags ...string) error {
	args := append([]string{"build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", out}, flags...)
	return g.run(ctx, append(args, pkg)...)
}
