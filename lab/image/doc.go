// Package image builds and caches what a lab machine consists of.
//
// There are four components, each cached on its own under a key that is a hash
// of everything that goes into it:
//
//	userland   root file system of the guest, and the QEMU that boots it
//	kernel     a Debian kernel with its modules
//	tracers    root file system with other tracers, of the kernel's suite, where one is asked for
//	workloads  root file system with the servers that are measured
//	tools      programs built from source: runsc
//
// An entry is built in a temporary directory beside its place, synced and
// renamed; a directory that was not renamed is never used. Two builders of one
// entry wait for each other. A machine holds its entries, so that Clean never
// takes one away that is in use.
//
// Root is not needed: mmdebstrap then works in a user namespace, and the file
// systems are made from its tar archives without mounting anything.
package image
