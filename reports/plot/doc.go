// Package plot draws the figures: grouped bars of unique host-kernel functions,
// workloads side by side and the variants of each next to each other. The solid
// part of a bar is the median in process context; the hatched part on top of it
// reaches the median of the union with the interrupt contexts, because an
// interrupt borrows whichever task is running and is nobody's attack profile
// alone. Whiskers are minimum and maximum over the repetitions.
//
// A cell without a number is a gap with its status written into it: a bar of
// height zero would be the best result of all.
package plot
