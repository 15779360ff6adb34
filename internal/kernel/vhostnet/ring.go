package vhostnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A ring's memory: the split virtqueue of the Virtio specification, 2.7, and one
// buffer for each descriptor.
const (
	ringSize   = 256
	availAt    = 16 * ringSize
	usedAt     = 8192
	buffersAt  = 16384
	bufferSize = 2048
	ringMemory = buffersAt + ringSize*bufferSize

	deviceWrites = 2 // VIRTQ_DESC_F_WRITE
)

// ring is one queue, as its driver sees it.
type ring struct {
	memory     []byte
	kick, call int    // eventfds
	next, seen uint16 // index of the next buffer to be offered, and of used ones seen
	descriptor func(i uint16, length int)
}

// newRing makes a ring in memory that the guest has at an address. Buffers of one
// that receives are all offered at once.
func newRing(memory []byte, guest uint64, receives bool) (r *ring, err error) {
	r = &ring{memory: memory, kick: -1, call: -1}
	r.descriptor = func(i uint16, length int) {
		d := memory[16*int(i):]
		binary.LittleEndian.PutUint64(d, guest+buffersAt+uint64(i)*bufferSize)
		binary.LittleEndian.PutUint32(d[8:], uint32(length))
		flags := uint16(0)
		if receives {
			flags = deviceWrites
		}
		binary.LittleEndian.PutUint16(d[12:], flags)
	}
	if r.kick, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, err
	}
	if r.call, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, errors.Join(err, unix.Close(r.kick))
	}
	if receives {
		for range ringSize {
			r.offer(bufferSize)
		}
	}
	return r, nil
}

// buffer is that of the next descriptor to be offered.
func (r *ring) buffer() []byte {
	at := buffersAt + int(r.next%ringSize)*bufferSize
	return r.memory[at : at+bufferSize]
}

// offer gives the next buffer to vhost.
func (r *ring) offer(length int) {
	i := r.next % ringSize
	r.descriptor(i, length)
	binary.LittleEndian.PutUint16(r.memory[availAt+4+2*int(i):], i)
	r.next++
	r.publish()
}

// publish writes the avail ring's index. There is no atomic store of 16 bits: the
// flags before it, which ask for interrupts, are 0.
func (r *ring) publish() {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&r.memory[availAt])), uint32(r.next)<<16)
}

// used is how many buffers vhost is done with, modulo 2^16.
func (r *ring) used() uint16 {
	return uint16(atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.memory[usedAt]))) >> 16)
}

// patience is how long vhost may take for a packet.
const patience = 10 * time.Second

// wait waits until vhost is done with one more buffer and has said so, and returns
// how often it did.
func (r *ring) wait() (calls uint64, err error) {
	deadline := time.Now().Add(patience)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return calls, fmt.Errorf("vhost did not answer within %v", patience)
		}
		fds := []unix.PollFd{{Fd: int32(r.call), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, int(left.Milliseconds())+1); err != nil && err != unix.EINTR {
			return calls, err
		}
		n, err := r.called()
		if err != nil {
			return calls, err
		}
		if calls += n; calls > 0 && r.used() != r.seen {
			r.seen++
			return calls, nil
		}
	}
}

// called is how often vhost has called since it was last asked.
func (r *ring) called() (uint64, error) {
	var b [8]byte
	switch _, err := unix.Read(r.call, b[:]); err {
	case nil:
		return binary.NativeEndian.Uint64(b[:]), nil
	case unix.EAGAIN, unix.EINTR:
		return 0, nil
	default:
		return 0, fmt.Errorf("read how often vhost called: %w", err)
	}
}

// doorbell tells vhost that something was offered.
func (r *ring) doorbell() error {
	if _, err := unix.Write(r.kick, binary.NativeEndian.AppendUint64(nil, 1)); err != nil {
		return fmt.Errorf("kick: %w", err)
	}
	return nil
}

func (r *ring) close() error { return errors.Join(unix.Close(r.kick), unix.Close(r.call)) }
