//go:build bcc

package bcc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/iovisor/gobpf/bcc"

	"hapscope/collectors"
	"hapscope/internal/kernel/cgroup"
	"hapscope/internal/kernel/symbols"
	"hapscope/record"
)

// Kinds of threads and keys of settings, as in program.bpf.c.
const (
	launcher byte = 1
	followed byte = 2

	enabled, target, level = 0, 1, 2
)

// contexts are the slots of counts, as in program.bpf.c.
var contexts = [...]record.Context{record.InProcess, record.InSoftIRQ, record.InHardIRQ}

// Session is the attached witness.
type Session struct {
	table    *symbols.Table
	root     string // of the cgroup hierarchy
	module   *bcc.Module
	universe []record.Function
	index    map[uint64]int // address → in universe
	refused  []string       // functions for which there is no kprobe
	flowing  bool
}

var _ collectors.Witness = (*Session)(nil)

// Universe returns the functions that are observed.
func (s *Session) Universe() []record.Function { return s.universe }

// Untraceable returns how many functions of the kernel are not observed.
func (s *Session) Untraceable() int {
	return len(s.table.Functions) + s.table.Untraceable - len(s.universe)
}

// Refused lists functions for which the kernel makes no kprobe.
func (s *Session) Refused() []string { return s.refused }

func (s *Session) tableOf(name string) *bcc.Table {
	return bcc.NewTable(s.module.TableId(name), s.module)
}

func u32(v int) []byte    { return binary.NativeEndian.AppendUint32(nil, uint32(v)) }
func u64(v uint64) []byte { return binary.NativeEndian.AppendUint64(nil, v) }

func (s *Session) set(key int, value uint64) error {
	return s.tableOf("settings").Set(u32(key), u64(value))
}

// Follow makes every later child of the thread tid followed.
func (s *Session) Follow(tid int) error {
	if tid <= 0 {
		return fmt.Errorf("follow thread %d: no such thread", tid)
	}
	return s.tableOf("followed").Set(u32(tid), []byte{launcher})
}

// Seed follows the cgroup, and all its threads whatever becomes of them.
func (s *Session) Seed(t collectors.Target) (added int, err error) {
	id, err := inode(t.Cgroup)
	if err != nil {
		return 0, fmt.Errorf("seed from cgroup %s: %w", t.Cgroup, err)
	}
	depth, err := s.level(t.Cgroup)
	if err != nil {
		return 0, fmt.Errorf("seed from cgroup %s: %w", t.Cgroup, err)
	}
	if err := errors.Join(s.set(level, uint64(depth)), s.set(target, id)); err != nil {
		return 0, fmt.Errorf("seed from cgroup %s: %w", t.Cgroup, err)
	}
	known := s.tableOf("followed")
	for {
		tids, err := cgroup.Threads(t.Cgroup)
		if err != nil {
			return added, fmt.Errorf("seed from cgroup %s: %w", t.Cgroup, err)
		}
		tids = slices.DeleteFunc(tids, func(tid int) bool { _, err := known.Get(u32(tid)); return err == nil })
		if len(tids) == 0 {
			return added, nil
		}
		for _, tid := range tids {
			if err := known.Set(u32(tid), []byte{followed}); err != nil {
				return added, fmt.Errorf("follow thread %d: %w", tid, err)
			}
		}
		added += len(tids)
	}
}

// Prepare forgets what was counted.
func (s *Session) Prepare() error {
	if s.flowing {
		return errors.New("begin counting: it has begun already")
	}
	if err := s.tableOf("counts").DeleteAll(); err != nil {
		return fmt.Errorf("prepare to count: %w", err)
	}
	return nil
}

// Begin lets entries be counted.
func (s *Session) Begin() error {
	if err := s.Prepare(); err != nil {
		return err
	}
	if err := s.set(enabled, 1); err != nil {
		return fmt.Errorf("begin counting: %w", err)
	}
	s.flowing = true
	return nil
}

// Stop stops the counting.
func (s *Session) Stop() error {
	if err := s.set(enabled, 0); err != nil {
		return fmt.Errorf("stop counting: %w", err)
	}
	return nil
}

// End stops the counting and returns what was counted since Begin.
func (s *Session) End(context.Context) (o collectors.Observation, err error) {
	if !s.flowing {
		return o, errors.New("end counting: it has not begun")
	}
	s.flowing = false
	if err := s.Stop(); err != nil {
		return o, err
	}
	o.Sample = true
	o.Functions = map[record.Context][]record.Hit{}
	for _, c := range contexts {
		o.Functions[c] = nil
	}
	// A kprobe that is hit within another one is not handled.
	o.Partial = []record.Context{record.InSoftIRQ, record.InHardIRQ}
	entries := s.tableOf("counts").Iter()
	for entries.Next() {
		key := entries.Key()
		ip, slot, n := binary.NativeEndian.Uint64(key), binary.NativeEndian.Uint32(key[8:]), binary.NativeEndian.Uint64(entries.Leaf())
		i, ok := s.index[ip]
		if !ok {
			o.Unknown += n
			continue
		}
		o.Functions[contexts[slot]] = append(o.Functions[contexts[slot]], record.Hit{Function: i, Count: n})
		o.Events += n
	}
	for _, hits := range o.Functions {
		slices.SortFunc(hits, func(a, b record.Hit) int { return a.Function - b.Function })
	}
	return o, entries.Err()
}

// Forget follows nothing any more.
func (s *Session) Forget() error {
	if s.flowing {
		return errors.New("forget followed threads: entries are being counted")
	}
	return errors.Join(s.set(target, 0), s.tableOf("followed").DeleteAll())
}

// Close detaches everything and takes it out of the kernel.
func (s *Session) Close() error {
	if s.module != nil {
		s.module.Close()
		s.module = nil
	}
	return nil
}
