package seccomp

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/tracefs"
)

// thread is what is known of one.
type thread struct {
	process int32
	held    bool
}

// Watch knows which threads are held. Its methods are called by one goroutine.
type Watch struct {
	layouts map[uint16]layout // none where the kernel has no such events
	logs    []*Log
	threads map[int32]thread
}

// New makes a watch that knows nobody yet.
func New() *Watch { return &Watch{threads: map[int32]thread{}} }

// Arm switches the events on in an instance.
func (w *Watch) Arm(i *tracefs.Instance) (err error) {
	w.layouts, err = arm(i)
	return err
}

// Log makes one for another CPU.
func (w *Watch) Log() *Log {
	l := &Log{layouts: w.layouts}
	w.logs = append(w.logs, l)
	return l
}

// Know reads what threads are held to now. Those that are gone are left out.
func (w *Watch) Know(tids ...int) {
	for _, tid := range tids {
		if t, ok := read(tid); ok {
			w.threads[int32(tid)] = t
		}
	}
}

// Forget knows nobody any more.
func (w *Watch) Forget() { clear(w.threads) }

// read reads /proc/TID/status (proc_pid_status(5)).
func read(tid int) (t thread, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return t, false
	}
	return parse(b)
}

func parse(status []byte) (t thread, ok bool) {
	for line := range bytes.Lines(status) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
		switch {
		case err != nil:
		case string(name) == "Tgid":
			t.process, ok = int32(n), n > 0
		case string(name) == "Seccomp":
			t.held = n == unix.SECCOMP_MODE_FILTER
		}
	}
	return t, ok
}

// Held says which threads were held in a phase, and since when.
type Held struct {
	Installed int // how often a thread gave itself or its process a filter, and thereby held one that none had held
	since     map[int32]uint64
}

// HeldSince makes one of what is known already: for tests of those who ask.
func HeldSince(since map[int32]uint64, installed int) *Held { return &Held{installed, since} }

// Since returns from which stamp on a thread was held: 0 where it was before the phase.
func (h *Held) Since(tid int32) (stamp uint64, held bool) {
	stamp, held = h.since[tid]
	return stamp, held
}

// End works out what the logs say and empties them. ok is false where events are missing
// without which nobody can tell.
func (w *Watch) End() (h *Held, ok bool) {
	var all []event
	ok = len(w.layouts) > 0
	for _, l := range w.logs {
		all = append(all, l.list...)
		ok = ok && !l.more
		l.list, l.more = l.list[:0], false
	}
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.stamp, b.stamp) })
	return w.replay(all), ok
}

// replay goes through events in their order.
func (w *Watch) replay(all []event) *Held {
	h := &Held{since: map[int32]uint64{}}
	for tid, t := range w.threads {
		if t.held {
			h.since[tid] = 0
		}
	}
	asking := map[int32]int64{} // with which flags
	for _, e := range all {
		switch e.kind {
		case asked:
			asking[e.tid] = e.value
		case answered:
			flags, asks := asking[e.tid]
			delete(asking, e.tid)
			if asks && succeeded(e.value, flags) {
				w.install(h, e, flags)
			}
		case cloned:
			w.clone(h, e)
		case executed:
			if from := w.threads[e.other]; from.held {
				w.hold(h, e.tid, e.stamp)
			}
			delete(w.threads, e.other)
		}
	}
	return h
}

// succeeded tells a descriptor, which is asked for, from the id of a thread that could
// not be taken along (seccomp(2)).
func succeeded(result, flags int64) bool {
	return result == 0 || result > 0 && flags&unix.SECCOMP_FILTER_FLAG_NEW_LISTENER != 0
}

func (w *Watch) install(h *Held, e event, flags int64) {
	before := len(h.since)
	w.hold(h, e.tid, e.stamp)
	if flags&unix.SECCOMP_FILTER_FLAG_TSYNC != 0 {
		process := w.of(e.tid).process
		for tid, t := range w.threads {
			if t.process == process {
				w.hold(h, tid, e.stamp)
			}
		}
	}
	if len(h.since) > before {
		h.Installed++
	}
}

func (w *Watch) clone(h *Held, e event) {
	parent := w.of(e.tid)
	process := e.other
	if e.value&unix.CLONE_THREAD != 0 {
		process = parent.process
	}
	delete(h.since, e.other) // of whoever had the id before
	w.threads[e.other] = thread{process: process}
	if parent.held {
		w.hold(h, e.other, 0) // all its life
	}
}

// of is what is known of a thread; of one that was never heard of, that it is nobody's.
func (w *Watch) of(tid int32) thread {
	t, known := w.threads[tid]
	if !known {
		t.process = tid
	}
	return t
}

func (w *Watch) hold(h *Held, tid int32, stamp uint64) {
	t := w.of(tid)
	if !t.held {
		h.since[tid] = stamp
	}
	t.held = true
	w.threads[tid] = t
}
