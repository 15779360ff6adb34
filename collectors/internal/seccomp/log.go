package seccomp

import (
	"encoding/binary"
	"fmt"
)

// maxEvents bounds what is kept of one CPU: 8 MB. The machine forks some thousand times
// while a sandbox boots.
const maxEvents = 1 << 18

// Log holds the events of one CPU. One goroutine at a time may add to it.
type Log struct {
	layouts map[uint16]layout
	list    []event
	more    bool // there were more than can be kept
}

// Add keeps an event, and reports whether it is one. stamp is its time.
func (l *Log) Add(r []byte, stamp uint64) (known bool, err error) {
	if len(r) < 2 {
		return false, nil
	}
	layout, known := l.layouts[binary.NativeEndian.Uint16(r)]
	if !known {
		return false, nil
	}
	if len(r) < layout.size {
		return true, fmt.Errorf("event %s: a record of %d bytes, want %d", layout.name, len(r), layout.size)
	}
	e, ok := layout.decode(r, stamp)
	switch {
	case !ok:
	case len(l.list) == maxEvents:
		l.more = true
	default:
		l.list = append(l.list, e)
	}
	return true, nil
}

// Stamps makes of the times of one CPU's events, which may be the same, stamps that
// ascend: what happened on one CPU is in order to the event.
type Stamps struct{ last uint64 }

// Next returns the stamp of the next event.
func (s *Stamps) Next(time uint64) uint64 {
	s.last = max(time, s.last+1)
	return s.last
}
