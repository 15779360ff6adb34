package tracefs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNotMounted says that no tracefs is mounted where one is looked for.
var ErrNotMounted = errors.New("tracefs is not mounted")

// FS is a mounted tracefs.
type FS struct{ root string }

// Open finds the mounted tracefs. It mounts nothing.
func Open() (*FS, error) {
	// The second is where debugfs shows it by automount (tracefs.rst).
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		var s unix.Statfs_t
		if unix.Statfs(dir, &s) == nil && s.Type == unix.TRACEFS_MAGIC {
			return &FS{dir}, nil
		}
	}
	return nil, ErrNotMounted
}

// At is a tracefs that the caller has mounted.
func At(root string) *FS { return &FS{root} }

// Path returns the absolute path of a file of the top-level directory.
func (f *FS) Path(name string) string { return filepath.Join(f.root, name) }

// Tracers lists the tracers that the kernel was built with.
func (f *FS) Tracers() ([]string, error) {
	b, err := os.ReadFile(f.Path("available_tracers"))
	if err != nil {
		return nil, fmt.Errorf("list tracers: %w", err)
	}
	return strings.Fields(string(b)), nil
}

// Instances lists the instances whose name starts with prefix.
func (f *FS) Instances(prefix string) ([]string, error) {
	entries, err := os.ReadDir(f.Path("instances"))
	if err != nil {
		return nil, fmt.Errorf("list trace instances: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Create makes an instance, paused: tracing_on is 0. One that exists already
// is an error.
func (f *FS) Create(name string) (*Instance, error) {
	i := f.Instance(name)
	if err := os.Mkdir(i.dir, 0o750); err != nil {
		return nil, fmt.Errorf("create trace instance %s: %w", name, err)
	}
	if err := i.SetTracing(false); err != nil {
		return nil, errors.Join(err, i.Remove())
	}
	return i, nil
}

// Instance names an instance that exists, or may exist.
func (f *FS) Instance(name string) *Instance {
	return &Instance{name: name, dir: f.Path("instances/" + name)}
}
