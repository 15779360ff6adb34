package tap

import (
	"fmt"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/tracefs"
)

// defaultBufferKiB holds 2.4 million function entries of 28 bytes: what gVisor
// made in the steady phase of a whole trial run (docs/method-ftrace.md). The
// pump empties it meanwhile, so that this is reserve for a starved reader.
const defaultBufferKiB = 64 << 10

// bufferKiB works out the size of the ring buffer per CPU.
func bufferKiB(asked int, i *tracefs.Instance) (int, error) {
	if asked != 0 {
		return asked, nil
	}
	cpus, err := i.CPUs()
	if err != nil {
		return 0, err
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0, fmt.Errorf("size of memory: %w", err)
	}
	memoryKiB := info.Totalram * uint64(info.Unit) >> 10
	return int(min(defaultBufferKiB, memoryKiB/8/uint64(max(1, len(cpus))))), nil
}
