package tracefs

import (
	"encoding/binary"
	"fmt"
)

// Flags in a page's commit word (include/linux/ring_buffer.h: the reader sees
// them as part of the length; kernel/trace/ring_buffer.c sets them).
const (
	missedEvents = 1 << 31 // events were lost before this page
	missedStored = 1 << 30 // and their number follows the data
)

// Page is a cursor over the events of one page. Its zero value is ready for
// Reset, and one Page serves any number of pages without allocating.
type Page struct {
	// Missed is how many events the kernel says were lost before this page; 1
	// where it knows only that there were some.
	Missed uint64

	layout *Layout
	data   []byte // committed, not yet visited
	size   int    // of data at first
	time   uint64
	err    error
}

// Reset puts the cursor before the first event of a page that was read whole.
func (p *Page) Reset(l *Layout, b []byte) error {
	*p = Page{layout: l}
	if len(b) < l.data.Offset {
		p.err = fmt.Errorf("trace page: %d bytes are no page", len(b))
		return p.err
	}
	p.time = binary.NativeEndian.Uint64(b[l.timestamp.Offset:])
	// The low 32 bits only: 6.1 adds the flags as an int, so that on 64 bits the
	// high half is their sign.
	commit := uint32(binary.NativeEndian.Uint64(b[l.commit.Offset:]))
	length, data := uint64(commit&^(missedEvents|missedStored)), b[l.data.Offset:]
	if length > uint64(len(data)) {
		p.err = fmt.Errorf("trace page: %d bytes committed in a page that holds %d", length, len(data))
		return p.err
	}
	p.data, p.size = data[:length], int(length)
	if commit&missedEvents != 0 {
		p.Missed = 1
		if rest := data[length:]; commit&missedStored != 0 && len(rest) >= l.commit.Size {
			p.Missed = max(1, binary.NativeEndian.Uint64(rest)) // an unsigned long, as is the commit word
		}
	}
	return nil
}

// Size is how many bytes of the page held events when it was read.
func (p *Page) Size() int { return p.size }

// Time is the time stamp of the event that Next returned last, in units of the
// instance's trace clock.
func (p *Page) Time() uint64 { return p.time }

// Err says why Next ended before the end of the page.
func (p *Page) Err() error { return p.err }

// Next returns the record of the next event, or nil at the end of the page.
// The record begins with common_type and is valid until the page's bytes change.
func (p *Page) Next() []byte {
	l := p.layout
	for len(p.data) >= 4 {
		header := binary.NativeEndian.Uint32(p.data)
		kind := header & (1<<l.deltaShift - 1)
		delta := uint64(header >> l.deltaShift)
		switch {
		case kind == 0:
			// Long or unaligned: array[0] holds the length, itself included.
			if len(p.data) < 8 {
				return p.fail("long event", 8)
			}
			n := int(binary.NativeEndian.Uint32(p.data[4:]))
			if n < 4 || n > len(p.data)-4 {
				return p.fail("long event", n)
			}
			record := p.data[8 : 4+n]
			p.skip(4 + n)
			p.time += delta
			return record
		case kind <= l.dataMax:
			n := int(kind) * 4 // in units of RB_ALIGNMENT
			if n > len(p.data)-4 {
				return p.fail("event", n)
			}
			record := p.data[4 : 4+n]
			p.skip(4 + n)
			p.time += delta
			return record
		case kind == l.padding:
			if delta == 0 { // null event: nothing follows on this page
				p.data = nil
				return nil
			}
			// A discarded event.
			if len(p.data) < 8 {
				return p.fail("padding", 8)
			}
			n := int(binary.NativeEndian.Uint32(p.data[4:]))
			if n < 4 || n > len(p.data)-4 {
				return p.fail("padding", n)
			}
			p.skip(4 + n)
			p.time += delta
		case kind == l.timeExtend || kind == l.timeStamp:
			if len(p.data) < 8 {
				return p.fail("time", 8)
			}
			t := uint64(binary.NativeEndian.Uint32(p.data[4:]))<<(32-l.deltaShift) | delta
			p.skip(8)
			if kind == l.timeExtend {
				p.time += t
			} else {
				p.time = absolute(t, p.time)
			}
		default:
			return p.fail("type", int(kind))
		}
	}
	return nil
}

// absolute completes an absolute time stamp, which lacks the 5 highest bits
// (TS_MSB and rb_fix_abs_ts, kernel/trace/ring_buffer.c).
func absolute(t, last uint64) uint64 {
	const high = uint64(0xf8) << 56
	if last&high != 0 {
		t |= last & high
		if t < last { // the lower bits have wrapped since
			t += 1 << 59
		}
	}
	return t
}

// skip passes n bytes; events are aligned to 4.
func (p *Page) skip(n int) { p.data = p.data[min((n+3)&^3, len(p.data)):] }

func (p *Page) fail(what string, n int) []byte {
	p.err = fmt.Errorf("trace page: %s of %d with %d bytes left", what, n, len(p.data))
	p.data = nil
	return nil
}
