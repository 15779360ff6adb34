// Package enclosure keeps one sandbox whose processes a daemon forks in one cgroup.
//
// A container engine puts the container into the cgroup that it is asked for, and what
// serves the container beside it (shim, network helpers, virtual machine monitors) stays
// with the daemon. Which processes those are is not guessed from their names: they are
// those that descend from the first ancestor of the container's process that was not
// there before the container was started. They are moved into a cgroup beside the
// container's, so that one directory is all that the sandbox has on the host, and the
// daemon and other containers are not in it.
package enclosure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
	"hapscope/record"
	"hapscope/runtimes/process"
)

// Enclosure is the cgroup of one sandbox. It is not safe for concurrent use.
type Enclosure struct {
	dir    string
	before process.Table
	origin process.Entry
	beside []record.Helper
}

const (
	// besideDir is the cgroup, in the sandbox's, of all that the engine had left elsewhere.
	besideDir = "beside"
	// rounds is how often the tree is looked at until nothing in it has to be moved any
	// more: what forks meanwhile is found by the next look.
	rounds = 20
	// watchInterval is how late the first process of a sandbox may be noticed. It waits,
	// because the cgroup is frozen.
	watchInterval = time.Millisecond
)

// New makes the cgroup of a sandbox at dir, which must not be there.
func New(dir string) (*Enclosure, error) {
	if cgroup.Exists(dir) {
		return nil, fmt.Errorf("its cgroup %s is there already", dir)
	}
	return &Enclosure{dir: dir}, cgroup.Create(dir)
}

// Dir is the absolute directory of the cgroup.
func (e *Enclosure) Dir() string { return e.dir }

// Beside lists what serves the sandbox and is no descendant of its process, as Gather
// saw it last.
func (e *Enclosure) Beside() []record.Helper { return e.beside }

// Origin is the process with which the sandbox began, after Gather: the shim.
func (e *Enclosure) Origin() process.Entry { return e.origin }

// Start calls start, which makes the daemon start the sandbox. The first process that
// enters the cgroup waits there until adopt, which is called on this thread, has
// returned: a tracer can follow it, and what serves it, from that moment on. Where adopt
// is nil nobody waits.
func (e *Enclosure) Start(ctx context.Context, adopt func(cgroup string) error, start func(context.Context) error) (err error) {
	if e.before, err = process.List(); err != nil {
		return err
	}
	if adopt == nil {
		return start(ctx)
	}
	if err := cgroup.Freeze(ctx, e.dir); err != nil {
		return err
	}
	thaw := func() error { return cgroup.Thaw(e.dir) }
	started := make(chan error, 1)
	go func() { started <- start(ctx) }()
	for {
		select {
		case err := <-started: // without ever being in the cgroup, or it failed before
			return errors.Join(err, thaw())
		case <-time.After(watchInterval):
		}
		pids, err := cgroup.Processes(e.dir)
		if err == nil && len(pids) == 0 {
			continue
		}
		if err == nil {
			err = e.Gather(pids[0])
		}
		if err == nil {
			err = adopt(e.dir)
		}
		return errors.Join(err, thaw(), <-started)
	}
}

// Gather moves all that belongs to the process into the sandbox's cgroup. A process
// that has ended, or was there before Start, has nothing to be moved.
func (e *Enclosure) Gather(pid int) error {
	for range rounds {
		now, err := process.List()
		if err != nil {
			return err
		}
		origin, ok := now.Origin(pid, e.before)
		if !ok {
			return nil
		}
		moved, err := e.enclose(now, origin, pid)
		if err != nil || moved == 0 {
			e.origin = origin
			return err
		}
	}
	return fmt.Errorf("gather the processes of %s: the descendants of its shim never came to rest", e.dir)
}

func (e *Enclosure) enclose(now process.Table, origin process.Entry, pid int) (moved int, err error) {
	inner := process.Table{}
	for _, p := range now.Below(pid) {
		inner[p.PID] = p
	}
	var helpers []record.Helper
	for _, p := range now.Below(origin.PID) {
		at, err := cgroup.Of(p.PID)
		if gone(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		inside := at == e.dir || strings.HasPrefix(at, e.dir+"/")
		if !inside {
			if err := e.take(p.PID); err != nil {
				return 0, err
			}
			moved++
		}
		if !inner.Has(p) {
			helpers = append(helpers, e.describe(p, at, inside))
		}
	}
	e.beside = helpers
	return moved, nil
}

// describe says of a helper where the engine had put it.
func (e *Enclosure) describe(p process.Entry, at string, inside bool) record.Helper {
	h := record.Helper{Command: p.Command, Cgroup: at, Moved: !inside}
	for _, known := range e.beside { // moved in an earlier round
		if known.PID == p.PID {
			return known
		}
	}
	h.PID = p.PID
	h.Program, _ = os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID)) // one that has just ended has none
	return h
}

func (e *Enclosure) take(pid int) error {
	dir := filepath.Join(e.dir, besideDir)
	if err := cgroup.Create(dir); err != nil {
		return err
	}
	if err := cgroup.Enter(dir, pid); err != nil && !gone(err) {
		return err
	}
	return nil
}

// gone is when a process has ended meanwhile.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) }

// Empty waits until nothing that lives is in the cgroup, or until ctx ends.
func (e *Enclosure) Empty(ctx context.Context) error {
	for {
		populated, err := cgroup.Populated(e.dir)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !populated {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			pids, _ := cgroup.Processes(e.dir)
			return fmt.Errorf("processes %v of cgroup %s live on: %w", pids, e.dir, context.Cause(ctx))
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Remove kills what is left in the cgroup and removes it.
func (e *Enclosure) Remove(ctx context.Context) error {
	// What is frozen dies, too (cgroup v2), but an ancestor's state is not ours to leave.
	if err := cgroup.Remove(ctx, e.dir); err != nil {
		return err
	}
	unix.Rmdir(filepath.Dir(e.dir)) // other sandboxes may still use it
	return nil
}
