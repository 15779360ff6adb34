package ftrace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"hapscope/collectors/internal/seccomp"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// interrupts are the columns of a counter's table.
var interrupts = [...]record.Context{record.InSoftIRQ, record.InHardIRQ}

// byThread is the column of what is no interrupt: it is counted by thread.
const byThread = -1

// column tells a record's context from its flags. An interrupt that comes while
// a softirq is served is a hardirq.
func column(flags byte) int {
	switch {
	case flags&(tracefs.FlagHardIRQ|tracefs.FlagNMI) != 0:
		return 1
	case flags&tracefs.FlagSoftIRQ != 0:
		return 0
	}
	return byThread
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

// counter counts what one CPU wrote. Each has tables of its own, dense because the
// universe is small: no lock, hardly an allocation, one increment an event.
type counter struct {
	session    *Session
	interrupts []uint64 // function × column
	threads    map[int32]*perThread
	unknown    map[stranger]visits // mostly none
	launcher   uint64
	log        *seccomp.Log
	stamps     seccomp.Stamps
}

// stranger is an address that is not in the universe, and where it was entered.
type stranger struct {
	ip     uint64
	column int
	tid    int32 // 0 in interrupts
}

func newCounter(s *Session) *counter {
	c := &counter{session: s, threads: map[int32]*perThread{}, unknown: map[stranger]visits{}, log: new(seccomp.Log)}
	c.grow()
	return c
}

// grow makes room for the functions that the universe has got since.
func (c *counter) grow() {
	c.interrupts = append(c.interrupts, make([]uint64, len(c.session.table.Functions)*len(interrupts)-len(c.interrupts))...)
}

// Page implements tap.Sink.
func (c *counter) Page(p *tracefs.Page) (events int, err error) {
	l, table, launchers := c.session.layout, c.session.table, c.session.Launchers()
	last, thread := int32(-1), (*perThread)(nil)
	for r := p.Next(); r != nil; r = p.Next() {
		events++
		stamp := c.stamps.Next(p.Time())
		if len(r) < l.size || binary.NativeEndian.Uint16(r) != l.id {
			if known, err := c.log.Add(r, stamp); err != nil || !known {
				return events, errors.Join(err, fmt.Errorf("function tracer: a record of %d bytes is no function entry: % x", len(r), r[:min(len(r), 32)]))
			}
			continue
		}
		tid := int32(binary.NativeEndian.Uint32(r[l.pid:]))
		if slices.Contains(launchers, tid) {
			c.launcher++
			continue
		}
		at, ip := column(r[l.flags]), binary.NativeEndian.Uint64(r[l.addr:])
		switch i := table.Lookup(ip); {
		case i < 0 && at == byThread:
			c.stranger(stranger{ip, at, tid}, visits{1, stamp, stamp})
		case i < 0:
			c.stranger(stranger{ip, at, 0}, visits{1, stamp, stamp})
		case at == byThread:
			if tid != last {
				last, thread = tid, c.thread(tid)
			}
			thread.enter(i, stamp)
		default:
			c.interrupts[i*len(interrupts)+at]++
		}
	}
	return events, nil
}

func (c *counter) thread(tid int32) *perThread {
	t := c.threads[tid]
	if t == nil {
		t = new(perThread)
		c.threads[tid] = t
	}
	return t
}

func (c *counter) stranger(s stranger, v visits) { c.unknown[s] = c.unknown[s].plus(v) }

// count adds entries of one function.
func (c *counter) count(function, column int, tid int32, v visits) {
	if column == byThread {
		c.thread(tid).add(function, v)
	} else {
		c.interrupts[function*len(interrupts)+column] += v.n
	}
}

// take adds another counter's numbers and leaves it empty.
func (c *counter) take(from *counter) {
	for i, n := range from.interrupts {
		c.interrupts[i] += n
	}
	clear(from.interrupts)
	for tid, functions := range from.threads {
		to := c.thread(tid)
		functions.each(to.add)
	}
	clear(from.threads)
	for s, v := range from.unknown {
		c.stranger(s, v)
	}
	clear(from.unknown)
	c.launcher += from.launcher
	from.launcher = 0
}
