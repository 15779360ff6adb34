package container

import (
	"context"
	"time"
)

const (
	// Parent is the cgroup, below the root of the unified hierarchy, that holds those of
	// all sandboxes, as with the other ways to start one.
	Parent = "/hapscope"
	// Label marks our containers, for whoever looks at them and for a sweep.
	Label = "hapscope"
	// ImageDeadline is for removing images: thousands of files, on a disk that may be busy.
	ImageDeadline = 10 * time.Minute
)

// Name is what a sandbox's container is called.
func Name(id string) string { return "hapscope-" + id }

// Engine is what a container engine does for one sandbox. Each method is called once, in
// this order, but for State and Output; after an error, or when nobody has any more use
// for it, comes Remove.
type Engine interface {
	// Place says where the container's cgroup parent is, which is there when Create is called.
	Place(ctx context.Context) (Place, error)
	// Create makes the container, without its process.
	Create(ctx context.Context) error
	// Start starts the process. It returns when the engine says that it runs.
	Start(ctx context.Context) error
	// State asks how the container is.
	State(ctx context.Context) (State, error)
	// Output is the end of what the container has printed, or nothing.
	Output() string
	// Kill ends the process of one that runs.
	Kill(ctx context.Context) error
	// Remove forgets the container, and ends it by force where that is needed. One that is
	// not there is no error.
	Remove(ctx context.Context) error
}

// Place is where an engine has a container's processes.
type Place struct {
	Dir string // the cgroup parent, below the root of the unified hierarchy
	// Unentered is where the engine does not put the container there by itself (cgroup v1).
	Unentered bool
	// Daemon is where somebody else forks the processes than the thread that asks for them.
	Daemon bool
	// Release, if there is one, is called when the cgroup is gone.
	Release func(ctx context.Context) error
}

// State is how a container is.
type State struct {
	PID      int // of its first process; 0 where there is none
	Running  bool
	ExitCode int
	Address  string // IP address; "" where it has none
}
