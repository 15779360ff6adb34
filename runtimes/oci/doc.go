// Package oci starts sandboxes through the command line that OCI runtimes have
// in common: create, start, kill, delete. What tells runc, crun and the gVisor
// platforms apart is data, see Flavours: another runtime is one more entry.
//
// A tracer may follow the calling thread to see the runtime's command line
// from its first instruction. So Create, Start and Delete fork it on the
// calling goroutine, fork nothing else there (network and mounts are made by
// system calls), and never change the thread's namespaces. Fork and exec
// themselves, up to the runtime's first instruction, are the Go runtime's:
// the same few functions for every variant.
package oci
