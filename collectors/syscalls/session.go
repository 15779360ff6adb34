package syscalls

import (
	"context"
	"fmt"

	"hapscope/collectors"
	"hapscope/collectors/internal/seccomp"
	"hapscope/collectors/internal/tap"
)

// Session is the armed tracepoint.
type Session struct {
	*tap.Tap
	layout   layout
	counters []*counter // one per CPU
	watch    *seccomp.Watch
}

var _ collectors.Session = (*Session)(nil)

// Seed follows all threads of the target that are not followed yet.
func (s *Session) Seed(t collectors.Target) (added int, err error) {
	if added, err = s.Tap.Seed(t.Cgroup); err != nil {
		return added, err
	}
	return added, s.Tap.Know(s.watch)
}

// Follow makes every later child of the thread tid followed.
func (s *Session) Follow(tid int) error {
	s.watch.Know(tid) // its children begin as it is
	return s.Tap.Follow(tid)
}

// Forget follows nothing any more.
func (s *Session) Forget() error {
	s.watch.Forget()
	return s.Tap.Forget()
}

// End stops the flow and returns what was counted since Begin.
func (s *Session) End(ctx context.Context) (collectors.Observation, error) {
	lost, err := s.Tap.End(ctx)
	var calls []*calls
	o := collectors.Observation{Lost: lost, Syscalls: make(map[string]uint64)}
	for _, c := range s.counters {
		for number, n := range c.take() {
			o.Syscalls[Name(number)] += n
			o.Events += n
		}
		calls = append(calls, &c.calls)
		o.Own += c.launcher
		c.launcher = 0
	}
	// Where events were lost, the call that installs a filter may be among them.
	if held, told := s.watch.End(); told && lost == nil {
		o.Confined = confined(calls, held)
	}
	for _, c := range calls {
		c.clear()
	}
	if err != nil {
		return collectors.Observation{}, err
	}
	return o, nil
}

// x32 marks a number of the x32 ABI (__X32_SYSCALL_BIT, asm/unistd.h).
const x32 = 1 << 30

// Name returns the name of a system call of the amd64 ABI.
func Name(number int64) string {
	switch {
	case number >= 0 && number < int64(len(names)) && names[number] != "":
		return names[number]
	case number&x32 != 0 && number > 0:
		return fmt.Sprintf("x32_%d", number&^x32)
	}
	return fmt.Sprintf("syscall_%d", number)
}

// Numbers lists the numbers of the amd64 ABI that have a name, ascending.
func Numbers() (numbers []int64) {
	for number, name := range names {
		if name != "" {
			numbers = append(numbers, int64(number))
		}
	}
	return numbers
}
