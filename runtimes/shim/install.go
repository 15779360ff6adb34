package shim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	runtimeoptions "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// installation is what of a variant is on this machine.
type installation struct {
	shim    string // path
	version version
	config  *Config
}

// errNoShim is when there is not even a shim.
var errNoShim = errors.New("no " + binary)

// find looks for a shim and its configuration. With an error, what was found of the
// first shim is returned.
func find(ctx context.Context, f Flavour) (installation, error) {
	var first installation
	var firstErr error
	for _, path := range shims(f.Shims) {
		in := installation{shim: path}
		err := in.look(ctx, f)
		if err == nil {
			return in, nil
		}
		if first.shim == "" {
			first, firstErr = in, err
		}
	}
	if first.shim == "" {
		return first, fmt.Errorf("%w in %s", errNoShim, strings.Join(directories(f.Shims), ", "))
	}
	return first, firstErr
}

func (in *installation) look(ctx context.Context, f Flavour) (err error) {
	if in.version, err = askVersion(ctx, in.shim); err != nil {
		return err
	}
	in.config, err = findConfig(f, in.version)
	return err
}

// installed finds the runtime's installation once: to look takes longer than some
// runtimes take to start, and would be timed. It looks on another thread, because a
// tracer may follow what this one forks.
func (r *Runtime) installed(ctx context.Context) (in installation, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.found != nil {
		return *r.found, nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		in, err = find(ctx, r.flavour)
	}()
	<-done
	if err == nil {
		r.found = &in
	}
	return in, err
}

// options tell a shim its configuration, as containerd does. Their type has had two
// names: Kata 2.0 knows the first only, Kata 4 both, and the Rust shim asks for none.
func (in *installation) options() (*anypb.Any, error) {
	if in.version.Generation == 1 {
		return nil, nil
	}
	name := "runtimeoptions.v1.Options"
	if in.version.Generation == 2 {
		name = "cri." + name
	}
	value, err := proto.Marshal(&runtimeoptions.Options{ConfigPath: in.config.Path})
	if err != nil {
		return nil, fmt.Errorf("write the options of the shim: %w", err)
	}
	return &anypb.Any{TypeUrl: name, Value: value}, nil
}

// directories are those of paths; a name alone is looked up in PATH.
func directories(paths []string) (dirs []string) {
	for _, path := range paths {
		if dir := filepath.Dir(path); dir != "." {
			dirs = append(dirs, dir)
		} else {
			dirs = append(dirs, "PATH")
		}
	}
	return dirs
}

// shims returns those that are there, each once.
func shims(paths []string) (found []string) {
	var seen []string
	for _, path := range paths {
		path, err := exec.LookPath(path)
		if err != nil {
			continue
		}
		file, err := filepath.EvalSymlinks(path)
		if err != nil || slices.Contains(seen, file) {
			continue
		}
		found, seen = append(found, path), append(seen, file)
	}
	return found
}

// plainConfig is the configuration that a shim reads if it is told nothing.
const plainConfig = "configuration.toml"

// findConfig finds the configuration with which a shim of a version starts the
// flavour's hypervisor. A file that is there for it and cannot be read is an error.
func findConfig(f Flavour, v version) (*Config, error) {
	var others []string
	for _, path := range configPaths(f, v) {
		c, err := readConfig(path, v.Generation > 1)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if slices.Contains(f.Hypervisor.Tables, c.Table) {
			return c, nil
		}
		others = append(others, path+" ("+c.Table+")")
		if v.Generation == 1 {
			break // the shim takes the first that is there
		}
	}
	what := fmt.Sprintf("no configuration for %s in %s", f.Hypervisor.Name, strings.Join(f.ConfigDirs, ", "))
	if len(others) > 0 {
		what += "; there are " + strings.Join(others, ", ")
	}
	return nil, errors.New(what)
}

// configPaths lists where to look, the first choice first. The shim of Kata 1 cannot
// be told another file than its own: 1.13 has read it before it is asked for a
// sandbox. The Rust shim has a directory of its own since 3.3; before, it knew none of
// our hypervisors.
func configPaths(f Flavour, v version) (paths []string) {
	names, below := append(slices.Clone(f.Hypervisor.Files), plainConfig), ""
	switch {
	case v.Rust:
		names, below = append(slices.Clone(f.Hypervisor.RustFiles), names...), "runtime-rs"
	case v.Generation == 1:
		names = []string{plainConfig}
	}
	for _, dir := range f.ConfigDirs {
		for _, name := range names {
			paths = append(paths, filepath.Join(dir, below, name))
		}
	}
	return paths
}

// executable reports why a path cannot be run.
func executable(path string) error {
	info, err := os.Stat(path)
	if err == nil && (info.IsDir() || info.Mode()&0o111 == 0) {
		err = &fs.PathError{Op: "run", Path: path, Err: fs.ErrPermission}
	}
	return err
}
