package image

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
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
	version := moduleVersion.FindSubmatch(gvisorMod)
	if version == nil {
		return fmt.Errorf("the module of tools does not require gVisor")
	}
	tree := filepath.Join(dir, "tree")
	if err := os.MkdirAll(filepath.Join(tree, "bin"), 0o755); err != nil {
		return err
	}
	g := goModule{dir: filepath.Join(dir, "module"), toolchain: toolchain}
	if err := g.create(gvisorMod, gvisorSum); err != nil {
		return err
	}
	// runsc's own build stamps its version through Bazel; without, it calls
	// itself VERSION_MISSING.
	if err := g.build(ctx, filepath.Join(tree, "bin", "runsc"), runscPackage,
		"-ldflags", "-s -w -X "+runscPackage+"/version.version="+string(bytes.TrimSpace(version[1]))); err != nil {
		return err
	}
	if err := ext4FromTree(tree, filepath.Join(dir, toolsImage)); err != nil {
		return err
	}
	for _, d := range []string{g.dir, tree} {
		if err := removeAll(d); err != nil {
			return err
		}
	}
	return nil
}
