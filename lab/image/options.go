package image

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Options say what is wanted. The zero value is a Debian 13 lab without workloads.
type Options struct {
	CacheDir         string    // default: HAPSCOPE_CACHE, else hapscope in the user's cache directory
	Suite            string    // Debian suite of userland and workloads; default trixie
	KernelSuite      string    // Debian suite of the kernel; default Suite
	WorkloadPackages []string  // Debian packages of the workloads' root file system; none: no such image
	TracerPackages   []string  // Debian packages of a root file system with other tracers; none: no such image
	DockerPackages   []string  // Debian packages of a root file system with container engines; none: no such image
	Kata             bool      // with what a Kata sandbox needs
	WorkloadsOnly    bool      // nothing but the workloads' root file system
	Progress         io.Writer // lines for people; default none
}

// DefaultSuite is Debian 13: the first with a QEMU (10.0) whose TCG survives
// arming the tracer on every function with more than one CPU.
const DefaultSuite = "trixie"

func (o Options) complete() (Options, error) {
	var err error
	if o.CacheDir, err = CacheDir(o.CacheDir); err != nil {
		return o, fmt.Errorf("find the cache directory: %w", err)
	}
	if o.Suite == "" {
		o.Suite = DefaultSuite
	}
	if o.KernelSuite == "" {
		o.KernelSuite = o.Suite
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	o.Progress = &lines{w: o.Progress}
	o.WorkloadPackages, o.TracerPackages, o.DockerPackages = sorted(o.WorkloadPackages), sorted(o.TracerPackages), sorted(o.DockerPackages)
	return o, nil
}

// CacheDir is the cache that dir means, which is empty for the default.
func CacheDir(dir string) (string, error) {
	if dir == "" {
		dir = os.Getenv("HAPSCOPE_CACHE")
	}
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("%w (HAPSCOPE_CACHE names another)", err)
		}
		dir = filepath.Join(user, "hapscope")
	}
	return filepath.Abs(dir)
}

// lines lets several builders report to one writer.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
