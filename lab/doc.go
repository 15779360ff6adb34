// Package lab is the disposable virtual machine in which hapscope measures
// where the host's own kernel refuses to be traced, and in which everybody gets
// the same kernel.
//
// It has four parts, each a package:
//
//	image  builds and caches what the machine consists of, from Debian packages
//	vm     boots it with QEMU, chooses the accelerator, runs commands in it
//	guest  is process 1 and the agent inside: the same static binary as the CLI
//	wire   is what vm and guest say to each other
//
// Nothing of a machine survives it. What a command in the guest writes below a
// writable share is on the host as soon as the write returned, so that a machine
// that dies loses nothing that was finished.
package lab
