// Package exercise is a known answer for witnesses: a process that makes the
// kernel enter certain functions exactly so many times and that nothing else
// makes enter them. Each system call is made raw, from one thread, by a static
// binary: no loader and no runtime adds calls of its own.
package exercise

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/kvmguest"
	"hapscope/internal/kernel/vhostnet"
	"hapscope/record"
)

// Exercise says how many of what are made.
type Exercise struct {
	Getppid int `json:"getppid"`
	Pread   int `json:"pread"` // pread64 of one byte of a known file
	Forks   int `json:"forks"` // children that live for Life and call getsid once
	// Life is how long each child lives, in nanoseconds.
	Life time.Duration `json:"life"`
	// Syncs is how often a byte is written to the file and fdatasync called: what a
	// neighbour does and Standard does not, so that a witness must count none.
	Syncs int `json:"syncs"`
	// Hypercalls and Outs, writes to a port, are made by a guest in a virtual machine;
	// with neither there is none.
	Hypercalls int `json:"hypercalls,omitempty"`
	Outs       int `json:"outs,omitempty"`
	// Packets are sent, and as many received, through a network device of vhost's; with
	// none there is no device.
	Packets int `json:"packets,omitempty"`
}

// unknownHypercall is a number that KVM has no hypercall for: it is served by
// saying so.
const unknownHypercall = 99

// Machine is an exercise of a virtual machine.
func Machine() Exercise { return Exercise{Hypercalls: 700, Outs: 1300} }

// Network is an exercise of vhost.
func Network() Exercise { return Exercise{Packets: 400} }

// Standard is what a self-test makes.
func Standard() Exercise {
	return Exercise{Getppid: 10_000, Pread: 5_000, Forks: 20, Life: time.Millisecond}
}

// Neighbour is what somebody else makes at the same time: the same and more.
func Neighbour() Exercise {
	e := Standard()
	e.Syncs = 100
	return e
}

// String is the exercise as an argument of the command that performs it.
func (e Exercise) String() string {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // integers
	}
	return string(b)
}

// Parse reads what String has made.
func Parse(s string) (e Exercise, err error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, fmt.Errorf("exercise %q: %w", s, err)
	}
	if e.Getppid < 0 || e.Pread < 0 || e.Forks < 0 || e.Life < 0 || e.Syncs < 0 || e.Hypercalls < 0 || e.Outs < 0 || e.Packets < 0 || e.Hypercalls > math.MaxInt32 || e.Outs > math.MaxInt32 {
		return e, fmt.Errorf("exercise %q: negative", s)
	}
	return e, nil
}

// Expected is how often a function must have been entered.
type Expected struct {
	Name      string   // for people
	Functions []string // the names that kernels have for it
	Syscall   string
	Count     uint64
}

// Expected lists what a witness must have counted, in process context.
func (e Exercise) Expected() []Expected {
	call := func(name string, n int) Expected {
		return Expected{
			// SYSCALL_DEFINE0 gives the second name to the same bytes.
			Name: name, Functions: []string{"__x64_sys_" + name, "__do_sys_" + name}, Syscall: name, Count: uint64(n),
		}
	}
	return []Expected{call("getppid", e.Getppid), call("pread64", e.Pread), call("fork", e.Forks), call("getsid", e.Forks), call("fdatasync", e.Syncs)}
}

// In returns how often the function was entered, and whether the universe has it.
func (e Expected) In(universe []record.Function, hits []record.Hit) (n uint64, known bool) {
	for i, f := range universe {
		if f.Module != "" || !slices.Contains(e.Functions, f.Symbol) {
			continue
		}
		known = true
		for _, h := range hits {
			if h.Function == i {
				n += h.Count
			}
		}
	}
	return n, known
}

// Run performs the exercise in this process.
func (e Exercise) Run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f, err := os.CreateTemp("", "exercise-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.WriteString("x"); err != nil {
		return err
	}
	for range e.Getppid {
		unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	}
	var b byte
	for range e.Pread {
		if n, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, f.Fd(), uintptr(unsafe.Pointer(&b)), 1, 0, 0, 0); n != 1 || b != 'x' {
			return fmt.Errorf("pread64: %d bytes, %q: %w", n, b, errno)
		}
	}
	for range e.Syncs {
		if _, err := f.WriteAt([]byte{'x'}, 0); err != nil {
			return err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return fmt.Errorf("fdatasync: %w", err)
		}
	}
	if e.Hypercalls > 0 || e.Outs > 0 {
		if err := kvmguest.Run(kvmguest.Calls(uint32(e.Hypercalls), unknownHypercall, uint32(e.Outs)), nil); err != nil {
			return err
		}
	}
	if e.Packets > 0 {
		if err := vhostnet.Run(e.exchange); err != nil {
			return err
		}
	}
	life := unix.NsecToTimespec(e.Life.Nanoseconds())
	for range e.Forks {
		if err := fork(&life); err != nil {
			return err
		}
	}
	return nil
}

func (e Exercise) exchange(d *vhostnet.Device) error {
	out, err := d.Send(e.Packets)
	if err != nil {
		return err
	}
	in, err := d.Receive(e.Packets)
	if err == nil && (out != uint64(e.Packets) || in != uint64(e.Packets)) {
		err = fmt.Errorf("vhost called %d times for %d packets sent, and %d times for as many received", out, e.Packets, in)
	}
	return err
}

// fork makes a child that calls getsid, lives for a while, and exits. The child
// is a copy of one thread of a Go process, in which nothing of Go may run but
// raw system calls.
//
//go:norace
func fork(life *unix.Timespec) error {
	pid, _, errno := unix.RawSyscall(unix.SYS_FORK, 0, 0, 0)
	if pid == 0 && errno == 0 {
		unix.RawSyscall(unix.SYS_GETSID, 0, 0, 0)
		unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(life)), 0, 0)
		for {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	if errno != 0 {
		return fmt.Errorf("fork: %w", errno)
	}
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(int(pid), &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err == nil && status != 0 {
			err = fmt.Errorf("status %#x", status)
		}
		if err != nil {
			return fmt.Errorf("wait for child %d: %w", pid, err)
		}
		return nil
	}
}

// Serve serves the exercise.
func (e Exercise) Serve(r io.Reader, w io.Writer) error { return Serve(r, w, e.Run) }

// Serve answers with a byte when it is ready, and then performs something each
// time that a byte is read and answers with a byte: the other side of a Performer.
func Serve(r io.Reader, w io.Writer, perform func() error) error {
	b := []byte{1}
	for {
		if _, err := w.Write(b); err != nil {
			return err
		}
		if _, err := r.Read(b); err != nil {
			return nil // the other side is done
		}
		if err := perform(); err != nil {
			return err
		}
	}
}
