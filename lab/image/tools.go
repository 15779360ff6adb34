package image

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
)

// toolsImage holds bin/runsc.
const toolsImage = "tools.ext4"

// toolsBuilder is raised when the code below changes the result.
const toolsBuilder = 1

// The module of tools pins runsc and everything that it is built from. It is
// not part of hapscope's own module, whose dependencies it would bend. The files
// have names of their own because a directory with a go.mod cannot be embedded.
var (
	//go:embed tools/gvisor.mod
	gvisorMod []byte
	//go:embed tools/gvisor.sum
	gvisorSum []byte
)

const runscPackage = "gvisor.dev/gvisor/runsc"

type toolsInputs struct {
	Builder   int
	Toolchain string
	Mod, Sum  string
}

func tools() component {
	toolchain := runtime.Version()
	return component{
		name:   Tools,
		inputs: toolsInputs{toolsBuilder, toolchain, string(gvisorMod), string(gvisorSum)},
		about:  "runsc from source, about 1 min on two cores, more when modules have to be fetched",
		build:  func(ctx context.Context, dir string) error { return buildTools(ctx, dir, toolchain) },
	}
}

// releaseVersion matches toolchains that the go command can be asked for.
var releaseVersion = regexp.MustCompile(`^go1\.\d+(\.\d+)?$`)

// moduleVersion finds gVisor's in the module of tools.
var moduleVersion = regexp.MustCompile(`gvisor\.dev/gvisor (v\S+)`)

func buildTools(ctx context.Context, dir, toolchain string) error {
	goCommand, err := need("go", goRemedy)
	if err != nil {
		return err
	}
	version := moduleVersion.FindSubmatch(gvisorMod)
	if version == nil {
		return fmt.Errorf("the module of tools does not require gVisor")
	}
	module := filepath.Join(dir, "module")
	tree := filepath.Join(dir, "tree")
	for _, d := range []string{module, filepath.Join(tree, "bin")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for name, content := range map[string][]byte{"go.mod": gvisorMod, "go.sum": gvisorSum} {
		if err := os.WriteFile(filepath.Join(module, name), content, 0o644); err != nil {
			return err
		}
	}
	// runsc's own build stamps its version through Bazel; without, it calls
	// itself VERSION_MISSING.
	cmd := exec.CommandContext(ctx, goCommand, "build", "-mod=readonly", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X "+runscPackage+"/version.version="+string(bytes.TrimSpace(version[1])),
		"-o", filepath.Join(tree, "bin", "runsc"), runscPackage)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOWORK=off", "GOFLAGS=", "PWD="+module)
	if releaseVersion.MatchString(toolchain) {
		// The compiler is an input of the key, so it has to be that one.
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+toolchain)
	}
	if err := runLogged(ctx, cmd); err != nil {
		return err
	}
	if err := ext4FromTree(tree, filepath.Join(dir, toolsImage)); err != nil {
		return err
	}
	for _, d := range []string{module, tree} {
		if err := removeAll(d); err != nil {
			return err
		}
	}
	return nil
}
