// Package wire is what the host and the guest of a lab VM say to each other:
// the configuration that travels in the initramfs, and the streams of a command
// over one virtio-serial port.
//
// The port carries one line of JSON from the guest (Hello), then a yamux
// session of which the host is the client. A command has four streams: a control
// stream with the request, signals and the exit, and one stream each for stdin,
// stdout and stderr, so that a command that does not read its input cannot hold
// up the signal that ends it. Every stream starts with a Header.
package wire
