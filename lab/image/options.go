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
	Kata             bool      // with what a Kata sandbox needs
	Progress         io.Writer // lines for people; default none
}

// DefaultSuite is Debian 13: the first with a QEMU (10.0) whose TCG survives
// arming the tracer on every function with more than one CPU.
const DefaultSuite = "trixie"

func (o Options) complete() (Options, error) {
	if o.CacheDir == "" {
		o.CacheDir = os.Getenv("HAPSCOPE_CACHE")
	}
	if o.CacheDir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("find the cache directory: %w (HAPSCOPE_CACHE names another)", err)
		}
		o.CacheDir = filepath.Join(dir, "hapscope")
	}
	abs, err := filepath.Abs(o.CacheDir)
	if err != nil {
		return o, fmt.Errorf("find the cache directory: %w", err)
	}
	o.CacheDir = abs
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
	o.WorkloadPackages, o.TracerPackages = sorted(o.WorkloadPackages), sorted(o.TracerPackages)
	return o, nil
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
