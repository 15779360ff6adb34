// Package netns gives each sandbox a network namespace of its own, joined to
// this one by a veth pair and a /30 subnet.
//
// There is no bridge, no NAT and no default route: the load generator sits at
// the other end of the pair, and whatever else lay between would be counted.
// Addresses are IPv4 only, IPv6 is switched off on both ends: its neighbour
// and router solicitations would fall into the measured phases at random.
//
// Everything is done by system calls on a thread of its own that ends
// afterwards. The caller's thread never changes its namespace and forks
// nothing: it may be one that a tracer follows.
package netns
