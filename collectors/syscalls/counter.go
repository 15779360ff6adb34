package syscalls

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"hapscope/collectors/internal/seccomp"
	"hapscope/internal/kernel/tracefs"
)

// layout is where a sys_enter record has what is needed of it.
type layout struct {
	event   uint16
	pid, id int
	size    int // bytes that a record must have
}

func newLayout(i *tracefs.Instance) (layout, error) {
	f, err := i.Format(event)
	if err != nil {
		return layout{}, err
	}
	return layoutOf(f)
}

func layoutOf(f *tracefs.Format) (layout, error) {
	l := layout{event: f.ID}
	var err error
	if l.pid, err = f.Offset("common_pid", 4); err != nil {
		return layout{}, err
	}
	if l.id, err = f.Offset("id", 8); err != nil {
		return layout{}, err
	}
	l.size = max(l.pid+4, l.id+8)
	return l, nil
}

// counter counts what one CPU wrote.
type counter struct {
	session  *Session
	table    [512]uint64      // by number: more than amd64 has
	others   map[int64]uint64 // the others
	launcher uint64
	calls    calls
	log      *seccomp.Log
	stamps   seccomp.Stamps
}

// Page implements tap.Sink.
func (c *counter) Page(p *tracefs.Page) (events int, err error) {
	l, launchers := c.session.layout, c.session.Launchers()
	for r := p.Next(); r != nil; r = p.Next() {
		events++
		stamp := c.stamps.Next(p.Time())
		if len(r) < l.size || binary.NativeEndian.Uint16(r) != l.event {
			if known, err := c.log.Add(r, stamp); err != nil || !known {
				return events, errors.Join(err, fmt.Errorf("system calls: a record of %d bytes is no sys_enter: % x", len(r), r[:min(len(r), 32)]))
			}
			continue
		}
		pid := int32(binary.NativeEndian.Uint32(r[l.pid:]))
		if slices.Contains(launchers, pid) {
			c.launcher++
			continue
		}
		id := int64(binary.NativeEndian.Uint64(r[l.id:]))
		c.calls.add(call{stamp, pid, id})
		switch {
		case id < 0: // a tracer took the call away: no handler runs
		case id < int64(len(c.table)):
			c.table[id]++
		default:
			c.others[id]++
		}
	}
	return events, nil
}

// take returns the calls by number and leaves the counter empty.
func (c *counter) take() map[int64]uint64 {
	all := c.others
	c.others = make(map[int64]uint64)
	for id, n := range c.table {
		if n > 0 {
			all[int64(id)] = n
		}
	}
	clear(c.table[:])
	return all
}
