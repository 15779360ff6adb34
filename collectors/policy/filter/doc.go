// Package filter says what seccomp filters decide, for every value that a system
// call's arguments can have.
//
// A filter is a classic BPF program over struct seccomp_data: the number of the call,
// the architecture, the instruction pointer and six arguments (linux/seccomp.h). It
// cannot see memory. Number and architecture are given here; everything else is
// unknown. The program is carried out on such values: a register is a constant, some
// bits of a word of the data, or anything. At a branch that an unknown word decides,
// both ways are followed, each with what it says about the word, until a way
// contradicts itself. So every way that the kernel can take is among those that are
// followed: what all of them allow is allowed, what all of them deny is denied, for
// certain. Trying sampled arguments could not say that.
//
// The other way round it is the BPF machine of golang.org/x/net that is asked: for each
// way arguments are worked out that lead along it, and the program is run on them. A
// call is proven to be conditional by two sets of arguments of which one is allowed and
// one is denied; and whatever that machine decides otherwise than was worked out is an
// error. That machine loads big-endian words from a packet while seccomp_data holds
// native ones, so that the packet that it gets has each word in big-endian order: loads
// are whole, aligned words only, as the kernel sees to.
package filter
