package bundle

import (
	"math"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/capability"
)

// limit lowers the limits of open files to what can be set here.
func limit(limits []specs.POSIXRlimit, most uint64) {
	for i := range limits {
		limits[i].Soft, limits[i].Hard = min(limits[i].Soft, most), min(limits[i].Hard, most)
	}
}

// mostFiles is the highest hard limit of open files that this process can set: any, or
// its own without CAP_SYS_RESOURCE, which a machine may deny even to root.
func mostFiles() uint64 {
	var limit unix.Rlimit
	if !capability.Lacks("CAP_SYS_RESOURCE") || unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxUint64
	}
	return limit.Max
}
