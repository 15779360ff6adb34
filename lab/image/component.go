package image

// The components of an image set, as they are named in the cache and in records.
const (
	Userland  = "userland"
	Kernel    = "kernel"
	Workloads = "workloads"
	Tools     = "tools"
)
