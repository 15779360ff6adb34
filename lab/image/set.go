package image

import "hapscope/record"

// Set is everything that a machine boots from: read-only files in the cache,
// which any number of machines and users can share.
type Set struct {
	CacheDir    string
	Suite       string            // of the userland and the workloads
	KernelSuite string            // of the kernel
	Keys        map[string]string // component → cache key
	Packages    []record.Package  // everything installed in the images

	Emulator    string   // directory that QEMU, its libraries and firmware run from
	Userland    string   // ext4 image of the root file system
	Workloads   string   // ext4 image of the workloads' root file system; "" without workload packages
	Tracers     string   // ext4 image of a root file system with other tracers; "" without their packages
	Docker      string   // ext4 image of a root file system with container engines; "" without their packages
	Tools       string   // ext4 image of tools built from source
	Kata        string   // ext4 image of what a Kata sandbox needs; "" where it was not asked for
	Modules     string   // ext4 image of /lib/modules
	Kernel      string   // bzImage
	Config      string   // the kernel's configuration
	Release     string   // the kernel's release
	BootModules []string // uncompressed modules that init loads, in the order of loading
}
