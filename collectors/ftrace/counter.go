package ftrace

import (
	"encoding/binary"
	"fmt"
	"slices"

	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// contexts are the columns of a counter's table.
var contexts = [...]record.Context{record.InProcess, record.InSoftIRQ, record.InHardIRQ, record.InKthread}

// inKthread is the column of what user workers do in process context.
const inKthread = 3

// column tells a record's context from its flags. An interrupt that comes while
// a softirq is served is a hardirq.
func column(flags byte) int {
	switch {
	case flags&(tracefs.FlagHardIRQ|tracefs.FlagNMI) != 0:
		return 2
	case flags&tracefs.FlagSoftIRQ != 0:
		return 1
	}
	return 0
}

// layout is where a function entry's record has what is needed of it.
type layout struct {
	id               uint16
	flags, pid, addr int
	size             int // bytes that a record must have
}

func newLayout(i *tracefs.Instance) (layout, error) {
	f, err := i.Format("ftrace/function")
	if err != nil {
		return layout{}, err
	}
	return layoutOf(f)
}

func layoutOf(f *tracefs.Format) (layout, error) {
	l := layout{id: f.ID}
	for _, field := range []struct {
		name string
		size int
		to   *int
	}{{"common_type", 2, new(int)}, {"common_flags", 1, &l.flags}, {"common_pid", 4, &l.pid}, {"ip", 8, &l.addr}} {
		offset, err := f.Offset(field.name, field.size)
		if err != nil {
			return layout{}, err
		}
		if field.name == "common_type" && offset != 0 {
			return layout{}, fmt.Errorf("event %s: common_type is not first", f.Name)
		}
		*field.to, l.size = offset, max(l.size, offset+field.size)
	}
	return l, nil
}

// counter counts what one CPU wrote. Each has a table of its own, dense because
// the universe is small: no lock, no allocation, one increment an event.
type counter struct {
	session  *Session
	counts   []uint64                          // function × context
	unknown  map[uint64]*[len(contexts)]uint64 // by address: mostly none
	launcher uint64
}

func newCounter(s *Session) *counter {
	return &counter{session: s, counts: make([]uint64, len(s.table.Functions)*len(contexts)), unknown: map[uint64]*[len(contexts)]uint64{}}
}

// Page implements tap.Sink.
func (c *counter) Page(p *tracefs.Page) (events int, err error) {
	l, table, launchers, workers := c.session.layout, c.session.table, c.session.Launchers(), c.session.userWorkers()
	for r := p.Next(); r != nil; r = p.Next() {
		events++
		if len(r) < l.size || binary.NativeEndian.Uint16(r) != l.id {
			return events, fmt.Errorf("function tracer: a record of %d bytes is no function entry: % x", len(r), r[:min(len(r), 32)])
		}
		tid := int32(binary.NativeEndian.Uint32(r[l.pid:]))
		if slices.Contains(launchers, tid) {
			c.launcher++
			continue
		}
		at := column(r[l.flags])
		if at == 0 && slices.Contains(workers, tid) {
			at = inKthread
		}
		i := table.Lookup(binary.NativeEndian.Uint64(r[l.addr:]))
		if i < 0 {
			c.stranger(binary.NativeEndian.Uint64(r[l.addr:]))[at]++
			continue
		}
		c.counts[i*len(contexts)+at]++
	}
	return events, nil
}

// stranger returns the counts of an address that is not in the universe.
func (c *counter) stranger(ip uint64) *[len(contexts)]uint64 {
	n := c.unknown[ip]
	if n == nil {
		n = new([len(contexts)]uint64)
		c.unknown[ip] = n
	}
	return n
}

// take adds another counter's numbers and leaves it empty.
func (c *counter) take(from *counter) {
	for i, n := range from.counts {
		c.counts[i] += n
	}
	clear(from.counts)
	for ip, counts := range from.unknown {
		for column, n := range counts {
			c.stranger(ip)[column] += n
		}
	}
	clear(from.unknown)
	c.launcher += from.launcher
	from.launcher = 0
}
