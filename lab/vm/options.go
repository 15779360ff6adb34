package vm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"hapscope/lab/image"
)

// Options of a machine. The zero value of each but Images is a default.
type Options struct {
	Images      *image.Set
	Agent       string    // static hapscope binary; default: the running one
	CPUs        int       // default 2
	MemoryMiB   int       // default 4096
	Accelerator string    // auto, probe, kvm or tcg; default: HAPSCOPE_ACCEL, else auto
	Shares      []Share   // directories of the host
	Progress    io.Writer // lines for people; default none
	Append      string    // added to the kernel's command line
}

// Share is a directory of the host that the guest sees.
type Share struct {
	Host, Guest string
	Writable    bool
}

// guestOwn are directories that the guest needs itself.
var guestOwn = []string{
	"/", "/bin", "/boot", "/dev", "/etc", "/lab", "/lib", "/lib64", "/proc", "/root", "/run",
	"/run/hapscope", "/sbin", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/var",
}

// CheckGuestPath says why a share cannot be at that path of the guest.
func CheckGuestPath(path string) error {
	switch clean := filepath.Clean(path); {
	case !filepath.IsAbs(clean):
		return fmt.Errorf("the guest's path %q is not absolute", path)
	case slices.Contains(guestOwn, clean), strings.HasPrefix(clean, "/proc/"), strings.HasPrefix(clean, "/sys/"):
		return fmt.Errorf("%s is the guest's own", clean)
	}
	return nil
}

func (s Share) check() error {
	info, err := os.Stat(s.Host)
	if err == nil && !info.IsDir() {
		err = errors.New("not a directory")
	}
	if err == nil {
		err = CheckGuestPath(s.Guest)
	}
	if err != nil {
		return fmt.Errorf("share %s: %w", s.Host, err)
	}
	return nil
}

const (
	defaultCPUs   = 2
	defaultMemory = 4096
)

func (o *Options) complete() error {
	if o.Agent == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		o.Agent = self
	}
	if o.CPUs == 0 {
		o.CPUs = min(defaultCPUs, max(1, runtime.NumCPU()))
	}
	if o.MemoryMiB == 0 {
		o.MemoryMiB = defaultMemory
	}
	if o.Accelerator == "" {
		o.Accelerator = os.Getenv("HAPSCOPE_ACCEL")
	}
	if o.Accelerator == "" {
		o.Accelerator = Auto
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	for _, s := range o.Shares {
		if err := s.check(); err != nil {
			return err
		}
	}
	return checkAgent(o.Agent)
}
