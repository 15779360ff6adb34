//go:build lab

package labtest

import (
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"hapscope/collectors/exercise"
)

// Of include/uapi/linux/io_uring.h.
const (
	setupSQPoll   = 1 << 1
	enterSQWakeup = 1 << 1
)

// uring is what serves the role Uring: a process with an io_uring whose queue the
// kernel polls, in a thread that it makes in the process's name without a fork. It
// wakes that thread up for each byte that it reads.
func uring() error {
	var params struct {
		sqEntries, cqEntries, flags, sqThreadCPU, sqThreadIdle, features, wqFD uint32
		rest                                                                   [23]uint32
	}
	params.flags, params.sqThreadIdle = setupSQPoll, 1
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 8, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return fmt.Errorf("io_uring_setup: %w", errno)
	}
	return exercise.Serve(os.Stdin, os.Stdout, func() error {
		for range 20 {
			if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, fd, 0, 0, enterSQWakeup, 0, 0); errno != 0 {
				return fmt.Errorf("io_uring_enter: %w", errno)
			}
			time.Sleep(5 * time.Millisecond)
		}
		return nil
	})
}
