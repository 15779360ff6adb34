// Package collectors defines what hapscope asks of an instrument that watches
// the kernel. A collector knows cgroups and threads, never a runtime.
package collectors

import (
	"context"
	"strings"

	"hapscope/record"
)

// Collector is an instrument that can be armed on this machine.
type Collector interface {
	Name() string
	// Check reports what the collector needs of this kernel and whether it is there.
	Check(ctx context.Context) []record.Requirement
	// Open arms the instrument once for a whole run, paused.
	Open(ctx context.Context) (Session, error)
	// Sweep removes what killed runs have left armed, one line for each thing.
	Sweep(ctx context.Context) ([]string, error)
}

// Session is an armed instrument. It observes the threads that it follows:
// those of a target's cgroup, and all that are forked by them.
type Session interface {
	// Follow makes the session follow every process forked by the thread tid
	// from now on, but not the thread itself: what it does is never reported.
	Follow(tid int) error
	// Seed follows every thread of the target that is not followed yet and
	// returns how many those were.
	Seed(t Target) (added int, err error)
	// Prepare does what of Begin takes time, so that several sessions can begin at
	// nearly the same moment. It may be left out.
	Prepare() error
	// Begin lets events flow; they are decoded while they come.
	Begin() error
	// Stop stops the flow, and nothing else. It may be left out.
	Stop() error
	// End stops the flow, waits until all that happened before is decoded, and
	// returns it. The session can Begin again.
	End(ctx context.Context) (Observation, error)
	// Forget follows nothing any more.
	Forget() error
	// Close disarms the instrument and leaves nothing behind.
	Close() error
}

// Target is what is observed.
type Target struct {
	Cgroup string // absolute directory of a cgroup (v2); descendants included
}

// Observation is what a session saw between Begin and End.
type Observation struct {
	// Functions holds entries per context and function; function indices are
	// those of the slice that Universe returned. Nil for collectors of other things.
	Functions map[record.Context][]record.Hit
	Syscalls  map[string]uint64 // by name; nil for collectors of other things
	// Confined are those among Syscalls that threads made which a seccomp filter held.
	// Sides tells Functions in process context apart likewise. Both are nil where no
	// thread installed a filter meanwhile, or nobody can tell.
	Confined map[string]uint64
	Sides    *record.Sides
	VM       map[record.VMEvent]map[string]uint64    // by reason, number or kind; nil for collectors of other things
	Vhost    map[record.VhostEvent]map[string]uint64 // by function or queue; nil for collectors of other things
	Events   uint64                                  // decoded and counted
	Lost     []uint64                                // per CPU; nil when nothing was lost
	Unknown  uint64                                  // function entries at addresses outside the universe
	Sample   bool                                    // Universe is only a part of what can be traced
	Partial  []record.Context                        // contexts of which the collector knows that it does not see everything
	Bounds   bool                                    // counts are lower bounds
	Kthreads []record.Kthread                        // work that kernel threads did for the target
	Own      uint64                                  // events that hapscope itself caused, decoded and discarded; not among Events
	VMExits  *record.Bounds                          // exits by the kernel's own counters; nil where those cannot tell
	Threads  []Threads                               // the contexts process and kthread by thread; nil where the collector does not tell threads apart
}

// Threads are threads of which the same is known.
type Threads struct {
	record.Thread
	Number    int
	Functions []record.Hit // that they entered, in process context
}

// Held is a task and what the kernel holds it to.
type Held struct {
	record.Thread
	record.Confinement
}

// ThreadKind is the name of a kernel thread without the ids in it: all threads of
// vhost-4711 and of vhost-4712 are vhost.
func ThreadKind(comm string) string {
	return strings.TrimRight(strings.TrimRight(comm, "0123456789"), "-/:")
}

// Witness is a session that observes kernel functions.
type Witness interface {
	Session
	// Universe returns all functions that the session can see.
	Universe() []record.Function
	// Untraceable counts the kernel's functions that the session cannot see.
	Untraceable() int
}
