package podman

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/capability"
)

// usualFiles is the limit of open files that Podman gives containers of root
// (RLimitDefaultValue of its libpod/define).
const usualFiles = 1048576

// ulimits are the options of a container for which Podman cannot have the limits that it
// gives by itself: to raise a hard limit takes CAP_SYS_RESOURCE, which a machine may deny
// even to root, and runtimes then refuse to start it. `--ulimit host` would be the word for
// it, but root's Podman 4.3 does not heed it.
func ulimits() []string {
	var files, processes unix.Rlimit
	if !capability.Lacks("CAP_SYS_RESOURCE") || unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil || unix.Getrlimit(unix.RLIMIT_NPROC, &processes) != nil {
		return nil
	}
	text, _ := os.ReadFile("/proc/sys/kernel/pid_max") // to which Podman lowers its own, where it can
	pids, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return nil
	}
	return limitsBelow(files.Max, min(processes.Max, pids))
}

// limitsBelow are the options that keep within hard limits of files and processes. A
// container that is given one limit is given Podman's own for the other: both are named.
func limitsBelow(files, processes uint64) []string {
	if files >= usualFiles {
		return nil
	}
	return []string{"--ulimit", fmt.Sprintf("nofile=%d:%d", files, files), "--ulimit", fmt.Sprintf("nproc=%d:%d", processes, processes)}
}
