package vm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/yamux"

	"hapscope/lab/wire"
	"hapscope/record"
)

// bootDeadline is how long the agent may take to answer. It needs about ten
// seconds under TCG on a quiet two-core machine.
const bootDeadline = 4 * time.Minute

// closeGrace is how long a machine may take to power off before it is killed.
const closeGrace = 10 * time.Second

// VM is a running machine.
type VM struct {
	facts   record.Lab
	dir     *rundir
	qemu    *process
	session *yamux.Session
	release func() // of the images
	hello   wire.Hello
	next    atomic.Uint64 // command numbers
	closed  atomic.Bool
}

// Boot starts a machine and returns when its agent answers. The context bounds
// the boot only; the machine lives until Close.
func Boot(ctx context.Context, o Options) (_ *VM, err error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("boot the lab: %w", err)
	}
	v := new(VM)
	defer func() {
		if err != nil {
			v.discard()
		}
	}()
	release, others, err := o.Images.Hold()
	if err != nil {
		return nil, fmt.Errorf("boot the lab: %w", err)
	}
	v.release = release
	if others {
		fmt.Fprintln(o.Progress, "lab: another lab VM is running: both will be slower")
	}
	if v.dir, err = newRundir(os.TempDir()); err != nil {
		return nil, err
	}
	version, err := emulatorVersion(ctx, o.Images.Emulator)
	if err != nil {
		return nil, err
	}
	choice, rests, err := choose(ctx, o, v.dir.path)
	if err != nil {
		return nil, err
	}
	v.facts = record.Lab{
		Accelerator: choice.Accelerator, Why: choice.Why, Emulator: version,
		CPUModel: cpuModel(choice.Accelerator), CPUs: o.CPUs, MemoryBytes: int64(o.MemoryMiB) << 20,
		Suite: o.Images.Suite, KernelSuite: o.Images.KernelSuite,
		Images: o.Images.Keys, Packages: o.Images.Packages,
	}
	fmt.Fprintf(o.Progress, "lab: booting Linux %s under %s (%s)\n", o.Images.Release, strings.ToUpper(choice.Accelerator), choice.Why)
	began := time.Now()
	if err := v.start(ctx, o, choice.Accelerator); err != nil {
		if rests != nil && choice.Accelerator == KVM && ctx.Err() == nil {
			rests.forget()
		}
		return nil, err
	}
	fmt.Fprintf(o.Progress, "lab: ready after %.1f s\n", time.Since(began).Seconds())
	return v, nil
}

// start starts QEMU and waits for the agent.
func (v *VM) start(ctx context.Context, o Options, accelerator string) error {
	m := machine{
		images: o.Images, accelerator: accelerator, cpus: o.CPUs, memoryMiB: o.MemoryMiB,
		initramfs: v.dir.file("initramfs.cpio"), console: v.dir.file("console"), socket: v.dir.file("agent"),
		shares: o.Shares, disks: disksOf(o.Images), append: o.Append,
	}
	conf := wire.Config{Release: o.Images.Release}
	for _, d := range m.disks {
		conf.Disks = append(conf.Disks, d.serial)
	}
	for i, s := range o.Shares {
		conf.Shares = append(conf.Shares, wire.Share{Tag: tag(i), Guest: s.Guest, Writable: s.Writable})
	}
	if err := writeInitramfs(m.initramfs, o.Agent, o.Images.BootModules, conf); err != nil {
		return err
	}
	var err error
	if v.qemu, err = startProcess(ctx, m.command()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bootDeadline, fmt.Errorf("no answer within %s", bootDeadline))
	defer cancel()
	conn, err := v.connect(ctx, m.socket)
	if err != nil {
		return err
	}
	if err := v.greet(ctx, conn); err != nil {
		conn.Close()
		return err
	}
	os.Remove(m.initramfs) // the guest has long read it
	if v.session, err = wire.Host(conn); err != nil {
		conn.Close()
		return fmt.Errorf("talk to the lab's agent: %w", err)
	}
	return nil
}

const booting = "booting"

// connect waits for QEMU to make its socket.
func (v *VM) connect(ctx context.Context, socket string) (net.Conn, error) {
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return conn, nil
		}
		select {
		case <-v.qemu.done:
			return nil, v.died(booting)
		case <-ctx.Done():
			return nil, v.notReady(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// greet waits for the agent's first line.
func (v *VM) greet(ctx context.Context, conn net.Conn) error {
	read := make(chan error, 1)
	go func() { read <- wire.ReadLine(conn, &v.hello) }()
	select {
	case err := <-read:
		if err != nil {
			// The end of the stream comes just before QEMU's own.
			return v.gone(booting, err)
		}
		return nil
	case <-v.qemu.done:
		return v.died(booting)
	case <-ctx.Done():
		return v.notReady(ctx)
	}
}

func (v *VM) notReady(ctx context.Context) error {
	err := fmt.Errorf("boot the lab: %w", context.Cause(ctx))
	if errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	return fmt.Errorf("%w\nits console ended with:\n  %s", err, strings.ReplaceAll(tail(v.dir.file("console")), "\n", "\n  "))
}

// gone turns the end of the connection into the machine's end. A machine that
// stopped answering but is still there is killed: it is of no use any more.
func (v *VM) gone(when string, cause error) error {
	select {
	case <-v.qemu.done:
		return v.died(when)
	case <-time.After(5 * time.Second):
		v.qemu.kill()
		return &DiedError{When: when, Cause: fmt.Sprintf("it stopped answering (%v) and was killed", cause), Console: tail(v.dir.file("console"))}
	}
}

// died describes the end of QEMU.
func (v *VM) died(when string) error {
	cause := "QEMU ended"
	if v.qemu.err != nil {
		cause += ": " + v.qemu.err.Error()
	}
	if said := complaints(v.qemu.out.String()); said != "" {
		cause += ": " + said
	}
	return &DiedError{When: when, Cause: cause, Console: tail(v.dir.file("console"))}
}

// Facts describes the machine for the record.
func (v *VM) Facts() record.Lab { return v.facts }

// PID is QEMU's.
func (v *VM) PID() int { return v.qemu.pid }

// Release is the running kernel's.
func (v *VM) Release() string { return v.hello.Release }

// Close powers the machine off, or kills it if it does not, and removes what it
// left. It is safe to call more than once.
func (v *VM) Close() error {
	if v.closed.Swap(true) {
		return nil
	}
	v.session.Close() // the agent ends, and with it the machine
	select {
	case <-v.qemu.done:
	case <-time.After(closeGrace):
	}
	return v.discard()
}

// discard ends what there is of the machine.
func (v *VM) discard() (err error) {
	if v.qemu != nil {
		v.qemu.kill()
	}
	if v.dir != nil {
		err = v.dir.remove()
	}
	if v.release != nil {
		v.release()
	}
	return err
}
