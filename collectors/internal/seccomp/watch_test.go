package seccomp

import (
	"maps"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// known is a watch of one process, 7, with the threads 7 and 8, and of 20, which is held.
func known() *Watch {
	w := New()
	w.threads = map[int32]thread{7: {process: 7}, 8: {process: 7}, 20: {process: 20, held: true}}
	w.layouts = map[uint16]layout{1: {}}
	return w
}

func TestReplay(t *testing.T) {
	const tsync, listener = unix.SECCOMP_FILTER_FLAG_TSYNC, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	ask := func(stamp uint64, tid int32, flags int64) event {
		return event{stamp: stamp, tid: tid, value: flags, kind: asked}
	}
	answer := func(stamp uint64, tid int32, result int64) event {
		return event{stamp: stamp, tid: tid, value: result, kind: answered}
	}
	clone := func(stamp uint64, parent, child int32, flags int64) event {
		return event{stamp: stamp, tid: parent, other: child, value: flags, kind: cloned}
	}
	for name, c := range map[string]struct {
		events    []event
		installed int
		since     map[int32]uint64
	}{
		"nothing happens": {nil, 0, map[int32]uint64{20: 0}},
		"one thread, from the return of its call on": {
			[]event{ask(10, 7, 0), answer(12, 7, 0)}, 1, map[int32]uint64{7: 12, 20: 0}},
		"events of two CPUs": {
			[]event{answer(12, 7, 0), ask(10, 7, 0)}, 1, map[int32]uint64{7: 12, 20: 0}},
		"a second filter changes nothing": {
			[]event{ask(10, 7, 0), answer(12, 7, 0), ask(30, 7, 0), answer(31, 7, 0)}, 1, map[int32]uint64{7: 12, 20: 0}},
		"a second filter alone": {
			[]event{ask(10, 20, 0), answer(12, 20, 0)}, 0, map[int32]uint64{20: 0}},
		"a question, and an error": {
			[]event{ask(10, 7, 1), answer(12, 7, -int64(unix.EFAULT))}, 0, map[int32]uint64{20: 0}},
		"another prctl": {
			[]event{answer(12, 7, 0)}, 0, map[int32]uint64{20: 0}},
		"the whole process": {
			[]event{ask(10, 8, tsync), answer(12, 8, 0)}, 1, map[int32]uint64{7: 12, 8: 12, 20: 0}},
		"the whole process, by one that is held": {
			[]event{ask(10, 7, 0), answer(12, 7, 0), ask(20, 7, tsync), answer(22, 7, 0)}, 2, map[int32]uint64{7: 12, 8: 22, 20: 0}},
		"one of its threads cannot be taken along": {
			[]event{ask(10, 8, tsync), answer(12, 8, 7)}, 0, map[int32]uint64{20: 0}},
		"with a descriptor for the answers": {
			[]event{ask(10, 8, listener), answer(12, 8, 5)}, 1, map[int32]uint64{8: 12, 20: 0}},
		"children are held all their life": {
			[]event{clone(5, 7, 9, 0), ask(10, 7, 0), answer(12, 7, 0), clone(15, 7, 10, 0), clone(20, 10, 11, 0), clone(25, 9, 12, 0)},
			1, map[int32]uint64{7: 12, 10: 0, 11: 0, 20: 0}},
		"threads that were made meanwhile are of the process, children are not": {
			[]event{clone(5, 7, 9, unix.CLONE_THREAD), clone(6, 9, 10, unix.CLONE_THREAD), clone(7, 9, 11, 0), ask(10, 10, tsync), answer(12, 10, 0)},
			1, map[int32]uint64{7: 12, 8: 12, 9: 12, 10: 12, 20: 0}},
		"of a stranger": {
			[]event{clone(5, 99, 9, 0), ask(10, 9, 0), answer(12, 9, 0)}, 1, map[int32]uint64{9: 12, 20: 0}},
		"a thread becomes the leader by exec": {
			[]event{ask(10, 8, 0), answer(12, 8, 0), {stamp: 20, tid: 7, other: 8, kind: executed}}, 1, map[int32]uint64{7: 20, 8: 12, 20: 0}},
		"an id is given anew": {
			[]event{clone(5, 7, 20, 0)}, 0, map[int32]uint64{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := known()
			for i, e := range c.events {
				l := &Log{list: []event{e}}
				if i%2 == 0 || len(w.logs) == 0 {
					w.logs = append(w.logs, l)
				} else {
					w.logs[0].list = append(w.logs[0].list, e)
				}
			}
			h, ok := w.End()
			if !ok || h.Installed != c.installed || !maps.Equal(h.since, c.since) {
				t.Errorf("%d installed, since %v (%v), want %d, %v", h.Installed, h.since, ok, c.installed, c.since)
			}
		})
	}
}

func TestWhatIsKnownGoesOn(t *testing.T) {
	w := known()
	l := w.Log()
	l.list = []event{{stamp: 10, tid: 7, kind: asked}, {stamp: 12, tid: 7, kind: answered}}
	w.End()
	if h, ok := w.End(); !ok || h.Installed != 0 || !maps.Equal(h.since, map[int32]uint64{7: 0, 20: 0}) {
		t.Errorf("in the next phase: %+v", h)
	}
	w.Forget()
	if h, _ := w.End(); len(h.since) != 0 {
		t.Errorf("after Forget: %+v", h)
	}
	l.more = true
	if _, ok := w.End(); ok {
		t.Error("an incomplete log tells")
	}
	if _, ok := w.End(); !ok {
		t.Error("the next one does not")
	}
	if _, ok := New().End(); ok {
		t.Error("a kernel without the events tells")
	}
}

func TestKnow(t *testing.T) {
	w := New()
	w.Know(os.Getpid(), 1<<22+1) // the second id is above the largest that there is
	if got := w.threads[int32(os.Getpid())]; len(w.threads) != 1 || got.process != int32(os.Getpid()) {
		t.Errorf("threads %v", w.threads)
	}
}

func TestParse(t *testing.T) {
	// Of a task of Linux 6.12, shortened.
	const status = "Name:\tnabla-run\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t412\nNgid:\t0\nPid:\t413\n" +
		"NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n"
	if got, ok := parse([]byte(status)); !ok || got != (thread{412, true}) {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := parse([]byte("Name:\tx\n")); ok {
		t.Error("a task without a process")
	}
}

func TestStamps(t *testing.T) {
	var s Stamps
	last := uint64(0)
	for _, time := range []uint64{5, 5, 5, 6, 6, 100, 100, 7} {
		if got := s.Next(time); got <= last || got < time {
			t.Fatalf("at %d: %d after %d", time, got, last)
		} else {
			last = got
		}
	}
}

func FuzzParse(f *testing.F) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, ok := parse(b); ok && got.process <= 0 {
			t.Errorf("%+v of %q", got, b)
		}
	})
}
