package kvm

import (
	"context"
	"fmt"
	"os"
	"runtime"
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
	setRegs             = 0x4090ae82
	getSregs            = 0x8138ae83
	setSregs            = 0x4138ae84
	getSupportedCPUID   = 0xc008ae05
	setCPUID            = 0x4008ae90

	apiVersion = 12

	exitIO  = 2
	exitHlt = 5
)

// Probe runs a small guest in 64-bit mode with page tables of its own and
// reports why that does not work. A guest that never stops is left to the
// kernel when ctx ends: nothing but the end of this process takes it back.
func Probe(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // KVM_RUN belongs to the thread that made the virtual CPU
		defer runtime.UnlockOSThread()
		done <- probe()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("run a probe guest: it does not stop: %w", context.Cause(ctx))
	}
}

func probe() error {
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
	load(mem)
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
	return runGuest(cpu, page)
}

// runGuest lets the guest run and checks its two exits.
func runGuest(cpu int, page []byte) error {
	for _, want := range []uint32{exitIO, exitHlt} {
		for {
			_, err := ioctl(cpu, run, 0)
			if err == nil {
				break
			}
			if err != unix.EINTR { // the Go runtime's preemption signal
				return fmt.Errorf("run a probe guest: %w", err)
			}
		}
		// struct kvm_run: exit_reason at 8, hw exit information at 32.
		if got := *(*uint32)(unsafe.Pointer(&page[8])); got != want {
			return fmt.Errorf("run a probe guest: exit reason %d, want %d", got, want)
		}
	}
	return nil
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
