package kvm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"hapscope/collectors"
	"hapscope/collectors/internal/tap"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// Session is the armed events.
type Session struct {
	*tap.Tap
	layouts  map[uint16]*layout // by the event's id
	pid      int                // offset of the thread in every record
	counters []*counter         // one per CPU
	cgroup   string             // of the target, "" before there is one
	window   window
}

var _ collectors.Session = (*Session)(nil)

func (s *Session) arm(i *tracefs.Instance) error {
	s.layouts = map[uint16]*layout{}
	for _, e := range events {
		f, err := i.Format("kvm/" + e.name)
		if errors.Is(err, fs.ErrNotExist) && e.name != kvmExit {
			continue
		}
		if err != nil {
			return err
		}
		if err := s.add(e, f); err != nil {
			return err
		}
		if err := i.Write("events/kvm/"+e.name+"/enable", "1"); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) add(e event, f *tracefs.Format) error {
	l, pid, err := layoutOf(e, f)
	s.layouts[f.ID], s.pid = &l, pid
	return err
}

// Seed follows all threads of the target that are not followed yet.
func (s *Session) Seed(t collectors.Target) (int, error) {
	s.cgroup = t.Cgroup
	return s.Tap.Seed(t.Cgroup)
}

// Begin lets events flow.
func (s *Session) Begin() (err error) {
	s.window = window{}
	if s.window.before, err = readOwn(s.cgroup); err != nil {
		return err
	}
	if err = s.Tap.Begin(); err != nil {
		return err
	}
	s.window.begun, err = readOwn(s.cgroup)
	return err
}

// Stop stops the flow.
func (s *Session) Stop() (err error) {
	s.window.ending, err = readOwn(s.cgroup)
	err = errors.Join(err, s.Tap.Stop())
	if err == nil {
		s.window.stopped, err = readOwn(s.cgroup)
	}
	return err
}

// Forget follows nothing any more.
func (s *Session) Forget() error {
	s.cgroup = ""
	return s.Tap.Forget()
}

// End stops the flow and returns what was counted since Begin.
func (s *Session) End(ctx context.Context) (collectors.Observation, error) {
	lost, err := s.Tap.End(ctx)
	o := collectors.Observation{Lost: lost, VM: map[record.VMEvent]map[string]uint64{}, VMExits: s.window.bounds()}
	for _, c := range s.counters {
		for k, n := range c.counts {
			if o.VM[k.layout.kind] == nil {
				o.VM[k.layout.kind] = map[string]uint64{}
			}
			o.VM[k.layout.kind][k.layout.titles(k.fields[0], k.fields[1])] += n
			o.Events += n
		}
		clear(c.counts)
		o.Own += c.launcher
		c.launcher = 0
	}
	if err != nil {
		return collectors.Observation{}, err
	}
	return o, nil
}

// key is what tells records apart.
type key struct {
	layout *layout
	fields [2]uint64
}

// counter counts what one CPU wrote.
type counter struct {
	session  *Session
	counts   map[key]uint64
	launcher uint64
}

func newCounter(s *Session) *counter { return &counter{session: s, counts: map[key]uint64{}} }

// Page implements tap.Sink.
func (c *counter) Page(p *tracefs.Page) (events int, err error) {
	launchers := c.session.Launchers()
	for r := p.Next(); r != nil; r = p.Next() {
		events++
		if len(r) < 2 {
			return events, fmt.Errorf("KVM's trace events: a record of %d bytes", len(r))
		}
		l := c.session.layouts[binary.NativeEndian.Uint16(r)]
		if l == nil || len(r) < l.size {
			return events, fmt.Errorf("KVM's trace events: a record of %d bytes is none of them: % x", len(r), r[:min(len(r), 32)])
		}
		if slices.Contains(launchers, int32(binary.NativeEndian.Uint32(r[c.session.pid:]))) {
			c.launcher++
			continue
		}
		c.counts[key{l, l.key(r)}]++
	}
	return events, nil
}
