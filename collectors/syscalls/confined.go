package syscalls

import (
	"hapscope/collectors/internal/seccomp"
)

// A tender gives its work away to system calls that it then takes from itself: what its
// policy covers begins with the filter of the thread. The events that tell of it are read
// apart for each CPU, and a thread may go on on another one; so calls are kept, with
// their stamps, until the phase has ended.

// maxCalls bounds what is kept of one CPU: 6 MB. A sandbox boots with some ten thousand.
const maxCalls = 1 << 18

// call is one system call.
type call struct {
	stamp uint64
	pid   int32
	id    int64
}

// calls are those that one CPU has seen.
type calls struct {
	list []call
	more bool // there were more than can be kept
}

func (c *calls) clear() { *c = calls{list: c.list[:0]} }

func (c *calls) add(call call) {
	if len(c.list) == maxCalls {
		c.more = true
		return
	}
	c.list = append(c.list, call)
}

// confined counts the calls of threads that a filter held. It is nil where none was
// installed, or where not all calls were kept.
func confined(cpus []*calls, held *seccomp.Held) map[string]uint64 {
	if held.Installed == 0 {
		return nil
	}
	counts := map[string]uint64{}
	for _, c := range cpus {
		if c.more {
			return nil
		}
		for _, call := range c.list {
			if since, is := held.Since(call.pid); is && call.stamp > since && call.id >= 0 {
				counts[Name(call.id)]++
			}
		}
	}
	return counts
}
