// Package workloads defines what runs inside a sandbox and how it is used from
// outside. Each sub-package is one server; each workload has an oracle that
// checks every reply, because a sandbox that fails early looks safe.
package workloads

import (
	"context"

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
