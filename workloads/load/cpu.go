package load

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/workloads"
)

// Metered runs f between two looks at the CPU time that a server, and this process,
// have used, and returns the differences, in seconds.
func Metered(at workloads.Server, f func() error) (server, own float64, err error) {
	before, err := at.CPU()
	if err != nil {
		return 0, 0, fmt.Errorf("read the CPU time of the sandbox: %w", err)
	}
	start := usage(unix.RUSAGE_SELF)
	if err := f(); err != nil {
		return 0, 0, err
	}
	own = (usage(unix.RUSAGE_SELF) - start).Seconds()
	after, err := at.CPU()
	if err != nil {
		return 0, 0, fmt.Errorf("read the CPU time of the sandbox: %w", err)
	}
	return after - before, own, nil
}

func usage(who int) time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(who, &u) // fails for an unknown who only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
