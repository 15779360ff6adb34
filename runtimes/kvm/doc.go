// Package kvm answers whether a guest really runs under /dev/kvm here. Several
// runtimes stand on that.
//
// That the device opens proves nothing: nested and para-virtual hosts exist on
// which it opens, makes virtual machines and virtual CPUs, and never gets a
// guest to its first page table. So Probe runs one.
package kvm
