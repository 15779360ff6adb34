// Package vhostnet is a monitor without a guest: it has the host's kernel serve a
// network device whose queues lie in its own memory, and drives them itself. So the
// number of kicks and calls is known, for a collector to count.
package vhostnet
