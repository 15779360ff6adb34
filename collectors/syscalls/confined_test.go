package syscalls

import (
	"maps"
	"testing"

	"golang.org/x/sys/unix"

	"hapscope/collectors/internal/seccomp"
)

func TestConfined(t *testing.T) {
	one := &calls{list: []call{
		{10, 7, unix.SYS_OPENAT}, {40, 7, unix.SYS_SECCOMP}, {50, 7, unix.SYS_READ},
		{70, 8, unix.SYS_READ}, // another thread, which has none
	}}
	// It goes on on another CPU.
	two := &calls{list: []call{
		{35, 7, unix.SYS_BRK}, {60, 7, unix.SYS_PRCTL}, {80, 7, unix.SYS_PPOLL},
		{90, 7, -1}, // a tracer took it away
	}}
	held := seccomp.HeldSince(map[int32]uint64{7: 41}, 1)
	if got, want := confined([]*calls{one, two}, held), map[string]uint64{"read": 1, "prctl": 1, "ppoll": 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := confined([]*calls{one, two}, seccomp.HeldSince(map[int32]uint64{7: 0}, 0)); got != nil {
		t.Errorf("without a filter: got %v", got)
	}
	three := &calls{list: make([]call, maxCalls)}
	three.add(call{99, 7, unix.SYS_READ})
	if got := confined([]*calls{one, two, three}, held); got != nil {
		t.Errorf("of an incomplete list: got %v", got)
	}
	one.clear()
	if got := confined([]*calls{one}, held); len(got) != 0 || len(one.list) != 0 {
		t.Errorf("after clear: got %v", got)
	}
}
