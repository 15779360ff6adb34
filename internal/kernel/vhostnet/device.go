package vhostnet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of include/uapi/linux/vhost.h.
const (
	setFeatures  = 0x4008af00
	setOwner     = 0xaf01
	setMemory    = 0x4008af03
	setRingSize  = 0x4008af10
	setRingAddr  = 0x4028af11
	setRingBase  = 0x4008af12
	setRingKick  = 0x4008af20
	setRingCall  = 0x4008af21
	setBackend   = 0x4008af30
	tunSetHeader = 0x400454d8 // TUNSETVNETHDRSZ, include/uapi/linux/if_tun.h
)

// versionOne is VIRTIO_F_VERSION_1: little-endian rings, and a header of 12 bytes
// before each packet (struct virtio_net_hdr_v1).
const (
	versionOne = 1 << 32
	header     = 12
)

// Queues of a network device (VHOST_NET_VQ_RX and _TX, drivers/vhost/net.c).
const (
	rx = iota
	tx
	queues
)

// Device is a network device that vhost-net serves. Its other side is a tap in a
// network namespace of its own, which ends with it.
type Device struct {
	vhost, tap, packets int // descriptors
	index               int // of the tap among the namespace's interfaces
	memory              []byte
	rings               [queues]*ring
}

// Run sets up a device for f. Both run on a thread of their own, which is in another
// network namespace and ends afterwards.
func Run(f func(*Device) error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		d, err := open()
		if err == nil {
			err = errors.Join(f(d), d.close())
		}
		done <- err
	}()
	return <-done
}

func open() (*Device, error) {
	d := &Device{vhost: -1, tap: -1, packets: -1}
	for _, step := range []struct {
		name string
		do   func() error
	}{{"make a tap", d.makeTap}, {"open a socket for its packets", d.openPackets}, {"set up vhost-net", d.setUp}} {
		if err := step.do(); err != nil {
			return nil, errors.Join(fmt.Errorf("a network device without a guest: %s: %w", step.name, err), d.close())
		}
	}
	return d, nil
}

// makeTap makes a tap that nobody else sends anything to: without IPv6, the kernel
// itself has nothing to say on it.
func (d *Device) makeTap() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	err = os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if d.tap, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err != nil {
		return fmt.Errorf("/dev/net/tun: %w", err)
	}
	name, err := unix.NewIfreq("hapscope0")
	if err != nil {
		return err
	}
	name.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(d.tap, unix.TUNSETIFF, name); err != nil {
		return fmt.Errorf("TUNSETIFF: %w", err)
	}
	if err := unix.IoctlSetPointerInt(d.tap, tunSetHeader, header); err != nil {
		return fmt.Errorf("TUNSETVNETHDRSZ: %w", err)
	}
	return nil
}

// ethertype of the packets: one for local experiments (IEEE Std 802, 88-B5).
const ethertype = 0x88b5

// openPackets opens a socket that sends to the tap, and brings the tap up.
func (d *Device) openPackets() (err error) {
	if d.packets, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	name, err := unix.NewIfreq("hapscope0")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(d.packets, unix.SIOCGIFINDEX, name); err != nil {
		return fmt.Errorf("SIOCGIFINDEX: %w", err)
	}
	d.index = int(name.Uint32())
	name.SetUint16(unix.IFF_UP | unix.IFF_NOARP)
	if err := unix.IoctlIfreq(d.packets, unix.SIOCSIFFLAGS, name); err != nil {
		return fmt.Errorf("SIOCSIFFLAGS: %w", err)
	}
	return nil
}

// setUp has vhost serve two rings in a memory of their own, which begins at the
// guest's address 0.
func (d *Device) setUp() (err error) {
	if d.vhost, err = unix.Open("/dev/vhost-net", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("/dev/vhost-net: %w", err)
	}
	d.memory, err = unix.Mmap(-1, 0, queues*ringMemory, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("mmap: %w", err)
	}
	address := uint64(uintptr(unsafe.Pointer(&d.memory[0])))
	features := uint64(versionOne)
	// struct vhost_memory with one region.
	table := struct {
		regions, padding               uint32
		guest, size, address, flagsPad uint64
	}{regions: 1, size: uint64(len(d.memory)), address: address}
	if err := d.ioctl("SET_OWNER", setOwner, nil); err != nil {
		return err
	}
	if err := d.ioctl("SET_FEATURES", setFeatures, unsafe.Pointer(&features)); err != nil {
		return err
	}
	if err := d.ioctl("SET_MEM_TABLE", setMemory, unsafe.Pointer(&table)); err != nil {
		return err
	}
	for i := range d.rings {
		if d.rings[i], err = newRing(d.memory[i*ringMemory:(i+1)*ringMemory], uint64(i*ringMemory), i == rx); err != nil {
			return err
		}
		if err := d.give(i, address+uint64(i*ringMemory)); err != nil {
			return err
		}
	}
	// The tap that was given takes packets: that is a work item, which might send the
	// first one before its kick is heard. This request waits for all work that is
	// queued (vhost_net_flush in vhost_net_ioctl, drivers/vhost/net.c).
	return d.ioctl("SET_MEM_TABLE", setMemory, unsafe.Pointer(&table))
}

// give hands a ring to vhost, and the tap.
func (d *Device) give(queue int, address uint64) error {
	type state struct{ index, number uint32 }
	size, base := state{uint32(queue), ringSize}, state{uint32(queue), 0}
	kick, call := state{uint32(queue), uint32(d.rings[queue].kick)}, state{uint32(queue), uint32(d.rings[queue].call)}
	backend := state{uint32(queue), uint32(d.tap)}
	// struct vhost_vring_addr
	places := struct {
		index, flags                 uint32
		descriptors, used, avail, at uint64
	}{index: uint32(queue), descriptors: address, used: address + usedAt, avail: address + availAt}
	for _, step := range []struct {
		name    string
		request uintptr
		value   unsafe.Pointer
	}{
		{"SET_VRING_NUM", setRingSize, unsafe.Pointer(&size)},
		{"SET_VRING_BASE", setRingBase, unsafe.Pointer(&base)},
		{"SET_VRING_ADDR", setRingAddr, unsafe.Pointer(&places)},
		{"SET_VRING_KICK", setRingKick, unsafe.Pointer(&kick)},
		{"SET_VRING_CALL", setRingCall, unsafe.Pointer(&call)},
		{"NET_SET_BACKEND", setBackend, unsafe.Pointer(&backend)},
	} {
		if err := d.ioctl(step.name, step.request, step.value); err != nil {
			return fmt.Errorf("queue %d: %w", queue, err)
		}
	}
	return nil
}

func (d *Device) ioctl(name string, request uintptr, value unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(d.vhost), request, uintptr(value))
	runtime.KeepAlive(value)
	if errno != 0 {
		return fmt.Errorf("VHOST_%s: %w", name, errno)
	}
	return nil
}

func (d *Device) close() error {
	var errs []error
	for _, fd := range []int{d.vhost, d.tap, d.packets} { // vhost first: it holds the others
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	for _, r := range d.rings {
		if r != nil {
			errs = append(errs, r.close())
		}
	}
	if d.memory != nil {
		errs = append(errs, unix.Munmap(d.memory))
	}
	return errors.Join(errs...)
}
