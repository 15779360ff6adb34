// Package workloads defines what runs inside a sandbox and how it is used from
// outside. Each sub-package is one server; each workload has an oracle that
// checks every reply, because a sandbox that fails early looks safe.
package workloads

import (
	"context"
	"time"

	"hapscope/record"
)

// Workload is a server under a certain use of it.
type Workload interface {
	// Name is the name of the 2018 measurements, such as redis-set.
	Name() string
	// Packages are the Debian packages that its image needs.
	Packages() []string
	// Process is the server.
	Process() record.Process
	// Dial connects to the server in the sandbox at the given IP address. It
	// tries once; the caller repeats it until the server listens.
	Dial(ctx context.Context, address string) (Client, error)
	Generator
}

// Generator drives a server for timing. Every reply is checked as far as the tool
// that sends can do it, and the server's state afterwards for the rest: what is
// returned without an error was served correctly.
type Generator interface {
	// Saturate sends requests for about d, on each of a number of connections the
	// next one as soon as the last one is answered.
	Saturate(ctx context.Context, at Server, connections int, d time.Duration) (Saturation, error)
	// Open sends rate requests a second for d, whether or not earlier ones were
	// answered, and times each reply from when its request was due. A rate that was
	// not kept is no error: the caller looks at Kept.
	Open(ctx context.Context, at Server, rate float64, d time.Duration) (record.Latency, error)
}

// Server is what a generator needs to know.
type Server struct {
	Address string                  // IP address of the sandbox
	Rootfs  string                  // directory with the image, which holds the server's own tools
	CPU     func() (float64, error) // seconds of all CPUs that the sandbox has used so far
}

// Saturation is a throughput and what its generator could have done at most.
type Saturation struct {
	record.Throughput
	Threads int // of the generator: it can use as many CPUs
}

// Client is one connection to a server.
type Client interface {
	// Do sends request i and checks the reply. A wrong reply is a *WrongReply.
	Do(ctx context.Context, i int) error
	// Reconnect replaces the connection by a new one, and sends nothing: what
	// was checked so far is kept. A failure leaves a client that can only be closed.
	Reconnect(ctx context.Context) error
	Close() error
}

// Preparer is a client that needs something done between the first answer and
// the steady phase, such as filling the keys that are read later. It is not
// observed.
type Preparer interface {
	Prepare(ctx context.Context) error
}

// Verifier is a client whose oracle has more to ask after the steady phase,
// such as whether what was written can be read. It is not observed.
type Verifier interface {
	Verify(ctx context.Context) error
}

// WrongReply is an answer that the oracle does not accept.
type WrongReply struct {
	Request, Want, Got string
}

func (e *WrongReply) Error() string {
	return "wrong reply to " + e.Request + ": want " + e.Want + ", got " + e.Got
}
