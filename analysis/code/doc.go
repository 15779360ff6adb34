// Package code says where in the kernel's source a function is and how much code it
// has, so that a count can be taken apart by subsystem, and weighted.
//
// What is exact comes from a table, made of the debug information of exactly the
// build that was measured. Where there is none, the subsystem is guessed from the
// module and the symbol's prefix, says so (Place.Approximate), and has neither file
// nor size: a size that is not known is never estimated.
package code
