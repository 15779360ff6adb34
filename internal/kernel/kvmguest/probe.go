package kvmguest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Device is the character device of KVM.
const Device = "/dev/kvm"

// Numbers of include/uapi/linux/kvm.h, stable since Linux 2.6.22.
const (
	getAPIVersion       = 0xae00
	createVM            = 0xae01
	getVCPUMmapSize     = 0xae04
	createVCPU          = 0xae41
	setUserMemoryRegion = 0x4020ae46
	run                 = 0xae80
	getRegs             = 0x8090ae81
	setRegs             = 0x4090ae82
	getSregs            = 0x8138ae83
	setSregs            = 0x4138ae84
	getSupportedCPUID   = 0xc008ae05
	setCPUID            = 0x4008ae90

	apiVersion = 12

	exitIO       = 2
	exitHlt      = 5
	exitShutdown = 8
)

// ErrShutdown says that the guest's processor shut down: an exception came, and the
// guest has no handlers. Nothing in its code raises one; but nested in a processor
// that QEMU emulates, about one guest in two hundred ends so while its exits are
// traced (none of a thousand that were not).
var ErrShutdown = errors.New("the guest's processor shut down")

// Probe runs a small guest in 64-bit mode with page tables of its own and
// reports why that does not work. A guest that never stops is left to the
// kernel when ctx ends: nothing but the end of this process takes it back.
func Probe(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		done <- Run(probeCode, func(exits []uint32) error {
			if want := []uint32{exitIO, exitHlt}; !slices.Equal(exits, want) {
				return fmt.Errorf("exit reasons %v, want %v", exits, want)
			}
			return nil
		})
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("run a guest: it does not stop: %w", context.Cause(ctx))
	}
}

// Run runs code, in 64-bit mode at ring 0, until it halts. then is called while the
// virtual machine still exists, with the reasons of all exits to this process
// (KVM_EXIT_*). It may be nil.
func Run(program []byte, then func(exits []uint32) error) error {
	runtime.LockOSThread() // KVM_RUN belongs to the thread that made the virtual CPU
	defer runtime.UnlockOSThread()
	dev, err := os.OpenFile(Device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer dev.Close()
	v, err := ioctl(int(dev.Fd()), getAPIVersion, 0)
	if err != nil {
		return fmt.Errorf("ask for KVM's API version: %w", err)
	}
	if v != apiVersion {
		return fmt.Errorf("KVM has API version %d, want %d", v, apiVersion)
	}
	vm, err := ioctl(int(dev.Fd()), createVM, 0)
	if err != nil {
		return fmt.Errorf("create a virtual machine: %w", err)
	}
	defer unix.Close(vm)

	mem, err := unix.Mmap(-1, 0, memSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("map the guest's memory: %w", err)
	}
	defer unix.Munmap(mem)
	load(mem, program)
	region := memoryRegion{Size: memSize, Address: uint64(uintptr(unsafe.Pointer(&mem[0])))}
	if _, err := ioctl(vm, setUserMemoryRegion, unsafe.Pointer(&region)); err != nil {
		return fmt.Errorf("give the guest memory: %w", err)
	}
	cpu, err := ioctl(vm, createVCPU, 0)
	if err != nil {
		return fmt.Errorf("create a virtual CPU: %w", err)
	}
	defer unix.Close(cpu)
	size, err := ioctl(int(dev.Fd()), getVCPUMmapSize, 0)
	if err != nil {
		return fmt.Errorf("ask for the size of the virtual CPU's page: %w", err)
	}
	page, err := unix.Mmap(cpu, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the virtual CPU's page: %w", err)
	}
	defer unix.Munmap(page)
	if err := features(int(dev.Fd()), cpu); err != nil {
		return err
	}
	if err := longMode(cpu); err != nil {
		return err
	}
	exits, err := runGuest(cpu, page)
	if err != nil || then == nil {
		return err
	}
	return then(exits)
}

// runGuest lets the guest run until it halts and returns the reasons of its exits.
func runGuest(cpu int, page []byte) (exits []uint32, err error) {
	for {
		_, err := ioctl(cpu, run, 0)
		if err == unix.EINTR { // the Go runtime's preemption signal
			continue
		}
		if err != nil {
			return exits, fmt.Errorf("run a guest: %w", err)
		}
		// struct kvm_run: exit_reason at 8, hw exit information at 32.
		reason := *(*uint32)(unsafe.Pointer(&page[8]))
		exits = append(exits, reason)
		switch reason {
		case exitIO:
		case exitHlt:
			return exits, nil
		case exitShutdown:
			return exits, fmt.Errorf("run a guest: %w%s, after %d exits", ErrShutdown, where(cpu), len(exits))
		default:
			return exits, fmt.Errorf("run a guest: exit reason %d%s", reason, where(cpu))
		}
	}
}

// where says at which instruction the virtual CPU is.
func where(cpu int) string {
	var r regs
	if _, err := ioctl(cpu, getRegs, unsafe.Pointer(&r)); err != nil {
		return ""
	}
	return fmt.Sprintf(" at %#x", r.RIP)
}

func ioctl[T unsafe.Pointer | int](fd int, request uintptr, arg T) (int, error) {
	var r uintptr
	var errno unix.Errno
	switch a := any(arg).(type) {
	case unsafe.Pointer:
		r, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(a))
	case int:
		r, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(a))
	}
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
