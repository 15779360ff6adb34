// Package kvmguest runs small guests through /dev/kvm: to answer whether one really
// runs here, on which several runtimes stand, and to make a known number of exits
// for a collector to count.
//
// That the device opens proves nothing: nested and para-virtual hosts exist on
// which it opens, makes virtual machines and virtual CPUs, and never gets a
// guest to its first page table. So Probe runs one.
package kvmguest
