// Package shim starts sandboxes through containerd's shim protocol, version 2, as
// Kata Containers has it: a program that is started with "start" leaves a daemon
// behind, which answers create, start, kill and delete over ttrpc.
//
// There is no containerd. It is not part of a sandbox, and a shim that it forks
// could not be followed from its first instruction: here the calling thread forks
// it, as it forks an OCI runtime (see package oci for what a tracer needs of that),
// and everything that works for the sandbox descends from it: the shim, the monitor
// with its virtual CPUs, and the file server.
package shim
