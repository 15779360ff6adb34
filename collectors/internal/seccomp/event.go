package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/tracefs"
)

// kind is what an event tells of its thread.
type kind uint8

const (
	asked    kind = iota // it asks for a filter; value holds the flags
	answered             // that call, or one like it, returns value
	cloned               // it has made the thread other; value holds the clone's flags
	executed             // it was other until now
)

// event is one of them.
type event struct {
	stamp      uint64
	tid, other int32
	value      int64
	kind       kind
}

// source is a kernel event, and what of its record is read.
type source struct {
	name, filter string   // the kernel's filter, that keeps out what nobody needs
	fields       []string // besides common_pid, in the order in which read takes them
	sizes        []int
	read         func(v []uint64) (e event, ok bool)
}

// sources lists them. Those of single system calls cost the other calls next to nothing:
// one look into a table.
func sources() []source {
	answer := func(v []uint64) (event, bool) { return event{kind: answered, value: int64(v[0])}, true }
	return []source{
		// Without a program it is a question: may there be such a flag (libseccomp, runc)?
		// It is answered with an error.
		{"syscalls/sys_enter_seccomp", "", []string{"op", "flags"}, []int{8, 8}, func(v []uint64) (event, bool) {
			return event{kind: asked, value: int64(v[1])}, uint32(v[0]) == unix.SECCOMP_SET_MODE_FILTER
		}},
		{"syscalls/sys_exit_seccomp", "", []string{"ret"}, []int{8}, answer},
		{"syscalls/sys_enter_prctl", fmt.Sprintf("option == %d", unix.PR_SET_SECCOMP), []string{"option", "arg2"}, []int{8, 8}, func(v []uint64) (event, bool) {
			return event{kind: asked}, uint32(v[0]) == unix.PR_SET_SECCOMP && v[1] == unix.SECCOMP_MODE_FILTER
		}},
		{"syscalls/sys_exit_prctl", "", []string{"ret"}, []int{8}, answer},
		{"task/task_newtask", "", []string{"pid", "clone_flags"}, []int{4, 8}, func(v []uint64) (event, bool) {
			return event{kind: cloned, other: int32(v[0]), value: int64(v[1])}, true
		}},
		{"sched/sched_process_exec", "", []string{"pid", "old_pid"}, []int{4, 4}, func(v []uint64) (event, bool) {
			return event{kind: executed, other: int32(v[1])}, v[0] != v[1]
		}},
	}
}

// layout is where a record has what is needed of it.
type layout struct {
	source
	offsets []int
	pid     int
	size    int // bytes that a record must have
}

func layoutOf(s source, f *tracefs.Format) (layout, error) {
	l := layout{source: s}
	var err error
	if l.pid, err = f.Offset("common_pid", 4); err != nil {
		return l, err
	}
	l.size = l.pid + 4
	for i, name := range s.fields {
		at, err := f.Offset(name, s.sizes[i])
		if err != nil {
			return l, err
		}
		l.offsets, l.size = append(l.offsets, at), max(l.size, at+s.sizes[i])
	}
	return l, nil
}

// decode reads a record that is long enough.
func (l *layout) decode(r []byte, stamp uint64) (event, bool) {
	values := make([]uint64, len(l.offsets))
	for i, at := range l.offsets {
		if l.sizes[i] == 4 {
			values[i] = uint64(binary.NativeEndian.Uint32(r[at:]))
		} else {
			values[i] = binary.NativeEndian.Uint64(r[at:])
		}
	}
	e, ok := l.read(values)
	e.stamp, e.tid = stamp, int32(binary.NativeEndian.Uint32(r[l.pid:]))
	return e, ok
}

// arm switches the events on in an instance. Without a filter of threads they come from
// all of the machine; they are few. It returns nothing where the kernel has no events of
// single system calls (CONFIG_FTRACE_SYSCALLS).
func arm(i *tracefs.Instance) (map[uint16]layout, error) {
	layouts := map[uint16]layout{}
	for _, s := range sources() {
		f, err := i.Format(s.name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if layouts[f.ID], err = layoutOf(s, f); err != nil {
			return nil, err
		}
	}
	for _, s := range sources() {
		if s.filter != "" {
			if err := i.Write("events/"+s.name+"/filter", s.filter); err != nil {
				return nil, err
			}
		}
		if err := i.Write("events/"+s.name+"/enable", "1"); err != nil {
			return nil, err
		}
	}
	return layouts, nil
}
