package filter

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Action is what a filter returns: what to do with the call, and data with that.
type Action uint32

// Actions of linux/seccomp.h. All others kill.
const (
	killProcess Action = 0x80000000
	killThread  Action = 0x00000000
	trap        Action = 0x00030000
	errno       Action = 0x00050000
	userNotify  Action = 0x7fc00000
	trace       Action = 0x7ff00000
	log         Action = 0x7ffc0000
	allow       Action = 0x7fff0000

	actionFull = 0xffff0000 // SECCOMP_RET_ACTION_FULL
	actionData = 0x0000ffff // SECCOMP_RET_DATA
)

// answer is what an action means for the call.
type answer uint8

const (
	denies answer = iota // the call's handler never runs
	allows
	asks  // another process decides: a supervisor or a tracer
	mixed // not known: any of these
)

func (a Action) answer() answer {
	switch a & actionFull {
	case allow, log:
		return allows
	case userNotify, trace:
		return asks
	}
	return denies
}

// String is how people call what happens to a call.
func (a Action) String() string {
	switch a & actionFull {
	case killThread:
		return "kill-thread"
	case trap:
		return "trap"
	case errno:
		// Larger numbers are cut down to MAX_ERRNO (__seccomp_filter, kernel/seccomp.c).
		n := min(a&actionData, 4095)
		if name := unix.ErrnoName(unix.Errno(n)); name != "" {
			return "errno " + name
		}
		return fmt.Sprintf("errno %d", n)
	case userNotify:
		return "a supervisor decides"
	case trace:
		return "a tracer decides"
	case log:
		return "log"
	case allow:
		return "allow"
	}
	return "kill-process"
}

// stricter returns which of two actions the kernel takes (seccomp_run_filters,
// kernel/seccomp.c): the one whose code is less, as a signed number. first is that of
// the filter that is asked first, the one installed last, which keeps a tie.
func stricter(first, second Action) Action {
	if int32(second&actionFull) < int32(first&actionFull) {
		return second
	}
	return first
}

// strictest returns which of two values is taken where either may be unknown. A known
// one that kills, traps or fails can only be replaced by one that does so too.
func strictest(first, second value) value {
	switch {
	case first.kind == constant && second.kind == constant:
		return number(uint32(stricter(Action(first.n), Action(second.n))))
	case first.kind == constant && certain(Action(first.n)):
		return first
	case second.kind == constant && certain(Action(second.n)):
		return second
	}
	return value{kind: unknown}
}

func certain(a Action) bool { return int32(a&actionFull) < int32(userNotify) }

func answerOf(v value) answer {
	if v.kind != constant {
		return mixed
	}
	return Action(v.n).answer()
}
