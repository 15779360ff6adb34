package syscalls

import (
	"context"
	"fmt"

	"hapscope/collectors"
	"hapscope/collectors/internal/tap"
)

// Session is the armed tracepoint.
type Session struct {
	*tap.Tap
	layout   layout
	counters []*counter // one per CPU
}

var _ collectors.Session = (*Session)(nil)

// Seed follows all threads of the target that are not followed yet.
func (s *Session) Seed(t collectors.Target) (int, error) { return s.Tap.Seed(t.Cgroup) }

// End stops the flow and returns what was counted since Begin.
func (s *Session) End(ctx context.Context) (collectors.Observation, error) {
	lost, err := s.Tap.End(ctx)
	o := collectors.Observation{Lost: lost, Syscalls: make(map[string]uint64)}
	for _, c := range s.counters {
		for number, n := range c.take() {
			o.Syscalls[Name(number)] += n
			o.Events += n
		}
		o.Own += c.launcher
		c.launcher = 0
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
