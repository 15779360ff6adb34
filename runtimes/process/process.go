// Package process tells when a process ends that is not this one's child.
package process

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Interval is how late the end of a context is noticed.
const Interval = 200 * time.Millisecond

// Ends waits until a process ends, or until ctx ends. It asks nobody for that: the
// kernel says it.
func Ends(ctx context.Context, pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return errors.Is(err, unix.ESRCH)
	}
	defer unix.Close(fd)
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(Interval.Milliseconds()))
		if n > 0 {
			return ctx.Err() == nil
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
	}
	return false
}
