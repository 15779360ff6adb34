// Package kernel holds no code: its sub-packages are what hapscope knows about
// the kernel under test, and the only place that parses kallsyms and tracefs.
//
//	cgroup    directories of the unified hierarchy, their members, their end
//	tracefs   instances, pid filters, and the ring buffer's binary pages
//	symbols   the universe of traceable functions, and address → function
//	machine   the facts of record.Machine
//	probe     can this kernel do it, and what to do where it cannot
package kernel
