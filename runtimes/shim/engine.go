package shim

import (
	"context"

	"google.golang.org/protobuf/types/known/anypb"

	"hapscope/record"
	"hapscope/runtimes/bundle"
)

// Namespace keeps sandboxes of ours apart from others of a containerd.
const Namespace = "hapscope"

// IDPrefix marks state of ours in directories that all of the machine share.
const IDPrefix = "hapscope-"

// Engine is how a shim is started and asked. Tracers follow what the thread forks that
// calls Create and a task's methods: an engine forks nothing on it but the shim, and
// the shim nowhere else.
type Engine interface {
	// Name is what records call it.
	Name() string
	// Check reports what the engine itself needs here. It leaves nothing behind.
	Check(ctx context.Context) []record.Requirement
	// Tools names the engine's own programs that take part.
	Tools(ctx context.Context) ([]record.Tool, error)
	// Prepare makes ready what all sandboxes need, until done is called. It may be
	// called several times.
	Prepare(ctx context.Context) (done func() error, err error)
	// Create starts a shim and has it make a task. Also with an error it returns
	// what has to be removed, if there is something.
	Create(ctx context.Context, o Order) (Task, error)
}

// Order is what an engine makes a task of.
type Order struct {
	ID      string         // in Namespace
	Shim    string         // path of the program
	Bundle  *bundle.Bundle // with config.json and the root file system
	Output  string         // file for what the process prints
	Options *anypb.Any     // of the shim; may be nil
}

// Task is what a shim has made of an order. Its methods are not safe for concurrent
// use, except Wait.
type Task interface {
	Start(ctx context.Context) error
	// Wait waits for the end of the process.
	Wait(ctx context.Context) (status uint32, err error)
	// Kill sends SIGKILL to all processes.
	Kill(ctx context.Context) error
	// Delete removes a task whose process has ended, and ends the shim.
	Delete(ctx context.Context) error
	// Close removes what the engine still has of the task. The shim has ended by
	// then, or was killed.
	Close(ctx context.Context) error
}
