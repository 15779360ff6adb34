package tap

import (
	"fmt"
	"slices"
	"sync/atomic"

	"hapscope/collectors/internal/seccomp"
	"hapscope/internal/kernel/cgroup"
)

// followed knows which followed threads are launchers.
type followed struct {
	// launchers is replaced, never changed: the decoders read it for each page.
	launchers atomic.Pointer[[]int32]
}

// Launchers returns the threads whose own events are to be discarded.
func (f *followed) Launchers() []int32 { return *f.launchers.Load() }

// Unarmed is a tap without an instance, which only knows launchers: for tests of
// decoders.
func Unarmed(launchers ...int32) *Tap {
	t := new(Tap)
	t.launchers.Store(&launchers)
	return t
}

// Follow makes every later child of the thread tid followed.
//
// Where threads are followed already and may be forking, call Seed afterwards:
// a child that is forked while the kernel takes on the new list is on neither.
func (t *Tap) Follow(tid int) error {
	if tid <= 0 {
		return fmt.Errorf("follow thread %d: no such thread", tid)
	}
	// First the discarding, then the following: none of its events is counted.
	launchers := t.Launchers()
	if !slices.Contains(launchers, int32(tid)) {
		launchers = append(slices.Clone(launchers), int32(tid))
		t.launchers.Store(&launchers)
	}
	listed, err := t.filter.Threads()
	if err != nil {
		return fmt.Errorf("follow thread %d: %w", tid, err)
	}
	if slices.Contains(listed, tid) {
		return nil // since an earlier Follow: no need to disturb those who are forking
	}
	if err := t.filter.Add(tid); err != nil {
		return fmt.Errorf("follow thread %d: %w", tid, err)
	}
	return nil
}

// Seed follows all threads of a cgroup that are not followed yet.
func (t *Tap) Seed(dir string) (added int, err error) {
	added, err = t.filter.AddAll(func() ([]int, error) { return cgroup.Threads(dir) })
	if err != nil {
		return added, fmt.Errorf("seed from cgroup %s: %w", dir, err)
	}
	return added, nil
}

// Know lets a watch read what the followed threads are held to.
func (t *Tap) Know(w *seccomp.Watch) error {
	tids, err := t.filter.Threads()
	if err != nil {
		return fmt.Errorf("read what followed threads are held to: %w", err)
	}
	w.Know(tids...)
	return nil
}

// Forget follows nothing any more. It must not be called between Begin and End.
func (t *Tap) Forget() error {
	if t.pump != nil && t.pump.flowing {
		return fmt.Errorf("forget followed threads: events are flowing, and would flow from all threads of the machine")
	}
	if err := t.filter.Park(); err != nil {
		return fmt.Errorf("forget followed threads: %w", err)
	}
	t.launchers.Store(new([]int32))
	return nil
}
