package vhostnet

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// packetSize is that of the smallest Ethernet frame without its checksum.
const packetSize = 60

// packet fills b with one from nobody to everybody.
func packet(b []byte) {
	for i := range 6 {
		b[i] = 0xff
	}
	binary.BigEndian.PutUint16(b[12:], ethertype)
}

// Send sends n packets, one at a time: it kicks once for each and waits until vhost
// has taken it and called. It returns how often vhost called.
func (d *Device) Send(n int) (calls uint64, err error) {
	r := d.rings[tx]
	for i := range n {
		clear(r.buffer()[:header]) // nothing to compute, nothing to cut
		packet(r.buffer()[header:])
		r.offer(header + packetSize)
		if err := r.doorbell(); err != nil {
			return calls, err
		}
		once, err := r.wait()
		if calls += once; err != nil {
			return calls, fmt.Errorf("send packet %d of %d: %w", i+1, n, err)
		}
	}
	return calls, nil
}

// Receive has n packets come, one at a time: it gives each to the tap, and waits until
// vhost has put it into a buffer and called. It never kicks: there are buffers enough,
// because each that was used is offered anew. It returns how often vhost called.
func (d *Device) Receive(n int) (calls uint64, err error) {
	r := d.rings[rx]
	to := unix.SockaddrLinklayer{Protocol: ethertype>>8 | ethertype<<8&0xff00, Ifindex: d.index}
	frame := make([]byte, packetSize)
	packet(frame)
	for i := range n {
		if err := unix.Sendto(d.packets, frame, 0, &to); err != nil {
			return calls, fmt.Errorf("give the tap packet %d of %d: %w", i+1, n, err)
		}
		once, err := r.wait()
		if calls += once; err != nil {
			return calls, fmt.Errorf("receive packet %d of %d: %w", i+1, n, err)
		}
		r.offer(bufferSize)
	}
	return calls, nil
}
