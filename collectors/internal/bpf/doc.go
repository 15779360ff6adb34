// Package bpf is what the collectors that run BPF programs share: whom the programs
// observe (target.h is the programs' side of it), and the wait until none of them
// runs any more.
package bpf
