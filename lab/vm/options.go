package vm

import (
	"io"
	"os"
	"runtime"

	"hapscope/lab/image"
)

// Options of a machine. The zero value of each but Images is a default.
type Options struct {
	Images      *image.Set
	Agent       string    // static hapscope binary; default: the running one
	CPUs        int       // default 2
	MemoryMiB   int       // default 4096
	Accelerator string    // auto, kvm or tcg; default: HAPSCOPE_ACCEL, else auto
	Shares      []Share   // directories of the host
	Progress    io.Writer // lines for people; default none
	Append      string    // added to the kernel's command line
}

// Share is a directory of the host that the guest sees.
type Share struct {
	Host, Guest string
	Writable    bool
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
	return checkAgent(o.Agent)
}
