// Package vm boots a lab machine with QEMU, runs commands in it and ends it.
//
// A machine belongs to the process that booted it: when that process dies, even
// by SIGKILL, the kernel kills QEMU with it, and the next boot removes the
// directory with the sockets. A machine that dies under a command is a
// *DiedError with the end of its console.
//
// Every disk is attached read-only, so that machines and users share one cache.
package vm
