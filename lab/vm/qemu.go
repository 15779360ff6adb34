package vm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hapscope/internal/command"
	"hapscope/lab/image"
	"hapscope/lab/wire"
)

// machine is one QEMU process, about to be started.
type machine struct {
	images      *image.Set
	accelerator string
	cpus        int
	memoryMiB   int
	initramfs   string
	console     string // file that the serial console goes to
	socket      string // of the agent's port; "" for none
	shares      []Share
	disks       []disk
	append      string
}

// disk is an image and the serial number that the guest knows it by.
type disk struct{ serial, path string }

func disksOf(s *image.Set) []disk {
	all := []disk{
		{wire.DiskUserland, s.Userland}, {wire.DiskModules, s.Modules},
		{wire.DiskWorkloads, s.Workloads}, {wire.DiskTracers, s.Tracers}, {wire.DiskDocker, s.Docker}, {wire.DiskTools, s.Tools}, {wire.DiskKata, s.Kata},
	}
	out := all[:0]
	for _, d := range all {
		if d.path != "" {
			out = append(out, d)
		}
	}
	return out
}

// cpuModel is QEMU's -cpu. TCG emulates AMD's SVM with nested paging, never
// Intel's VMX; EPYC is the model that gVisor's kvm platform accepts as it is.
func cpuModel(accelerator string) string {
	if accelerator == KVM {
		return "host"
	}
	return "EPYC,+svm,+npt"
}

// emulator is the command with which the lab's own QEMU runs on this host:
// through its own loader and libraries, so that it is the same everywhere.
func emulator(dir string, args ...string) *exec.Cmd {
	lib := filepath.Join(dir, "usr/lib/x86_64-linux-gnu")
	cmd := exec.Command(filepath.Join(lib, "ld-linux-x86-64.so.2"), append([]string{
		"--library-path", lib, filepath.Join(dir, "usr/bin/qemu-system-x86_64"),
	}, args...)...)
	// Accelerators and devices are modules that QEMU would look for in the
	// host's own library directory.
	cmd.Env = append(os.Environ(), "QEMU_MODULE_DIR="+filepath.Join(lib, "qemu"))
	return cmd
}

// versionDeadline is some hundred times what QEMU takes to say its version.
const versionDeadline = time.Minute

// emulatorVersion is QEMU's version line.
func emulatorVersion(ctx context.Context, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionDeadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, emulator(dir).Path, emulator(dir, "--version").Args[1:]...)
	defer command.Log(ctx, cmd)()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask the lab's QEMU for its version: %w", err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), nil
}

// command is the whole command line.
func (m machine) command() *exec.Cmd {
	dir := m.images.Emulator
	accel := KVM
	if m.accelerator == TCG {
		accel = "tcg,thread=multi"
	}
	args := []string{
		"-L", filepath.Join(dir, "usr/share/qemu"), "-L", filepath.Join(dir, "usr/share/seabios"),
		"-name", "hapscope-lab", "-nodefaults", "-nographic", "-no-reboot", "-nic", "none",
		"-machine", "q35", "-accel", accel, "-cpu", cpuModel(m.accelerator),
		"-smp", strconv.Itoa(m.cpus), "-m", strconv.Itoa(m.memoryMiB),
		"-kernel", m.images.Kernel, "-initrd", m.initramfs,
		// A panic reboots at once, and -no-reboot turns that into QEMU's end.
		"-append", strings.TrimSpace("console=ttyS0 panic=-1 loglevel=4 " + m.append),
		"-serial", "file:" + m.console,
	}
	for _, d := range m.disks {
		args = append(args,
			"-drive", "if=none,format=raw,readonly=on,file.locking=off,id="+d.serial+",file="+escape(d.path),
			"-device", "virtio-blk-pci,drive="+d.serial+",serial="+d.serial)
	}
	if m.socket != "" {
		args = append(args,
			"-chardev", "socket,id=agent,server=on,wait=off,path="+escape(m.socket),
			"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name="+wire.PortName)
	}
	for i, s := range m.shares {
		mode := ",readonly=on"
		if s.Writable {
			mode = ""
		}
		// "none" is passthrough that does not insist on chown: a user without
		// privileges owns what the guest's root writes.
		args = append(args,
			"-fsdev", fmt.Sprintf("local,security_model=none,multidevs=remap,id=share%d,path=%s%s", i, escape(s.Host), mode),
			"-device", fmt.Sprintf("virtio-9p-pci,fsdev=share%d,mount_tag=%s", i, tag(i)))
	}
	return emulator(dir, args...)
}

// escape doubles the comma, QEMU's separator of options.
func escape(s string) string { return strings.ReplaceAll(s, ",", ",,") }

func tag(i int) string { return "share" + strconv.Itoa(i) }

// process is a running QEMU.
type process struct {
	pid  int
	done chan struct{} // closed when QEMU has ended
	err  error         // set before done is closed
	out  *strings.Builder
}

// startProcess starts cmd such that it dies with this process. The kernel sends
// the death signal when the *thread* that forked ends, so that thread is locked
// and waits.
func startProcess(ctx context.Context, cmd *exec.Cmd) (*process, error) {
	p := &process{done: make(chan struct{}), out: new(strings.Builder)}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	// A process group of its own: ctrl-C at the terminal is for hapscope, which
	// ends the machine in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		ended := command.Started(ctx, cmd)
		p.err = cmd.Wait()
		ended()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start QEMU: %w", err)
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

// kill ends QEMU at once and waits for it.
func (p *process) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	syscall.Kill(p.pid, syscall.SIGKILL) // not yet waited for, so the pid is still its own
	<-p.done
}
