package record

// Unikernel is what a variant that boots unikernels runs in the place of a workload's
// process: files that were built for it beforehand.
type Unikernel struct {
	Image string `json:"image"`          // file that is booted
	Disk  string `json:"disk,omitempty"` // file that it sees as a disk; for a container runtime a directory, of its root file system
	// Args are handed to it, after {address}, {mask} (bits) and {gateway} were filled in.
	Args []string `json:"args,omitempty"`
}
