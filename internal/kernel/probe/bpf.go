package probe

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"hapscope/record"
)

// BTF asks for the kernel's own type information.
func BTF() record.Requirement {
	const name, file = "BTF", "/sys/kernel/btf/vmlinux"
	if _, err := os.Stat(file); err != nil {
		return unmet(name, err.Error(), "use a kernel with CONFIG_DEBUG_INFO_BTF, or "+lab)
	}
	return met(name, file)
}

// Fentry asks for the attachment of a BPF program to one function by a trampoline, by
// attaching an empty one to one that hardly ever runs.
func Fentry() record.Requirement {
	const name = "BPF fentry"
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.Tracing,
		AttachType:   ebpf.AttachTraceFEntry,
		AttachTo:     "kernel_power_off",
		License:      "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return refused(name, fmt.Errorf("a tracing program cannot be loaded: %w", err))
	}
	defer program.Close()
	l, err := link.AttachTracing(link.TracingOptions{Program: program})
	if err != nil {
		return refused(name, err)
	}
	if err := l.Close(); err != nil {
		return unmet(name, "it attaches but does not detach: "+err.Error(), lab)
	}
	return met(name, "a program was attached and detached")
}

// KprobeMulti asks for the attachment of one BPF program to many functions, by
// attaching an empty one to one function that hardly ever runs.
func KprobeMulti() record.Requirement {
	const name = "BPF kprobe.multi"
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.Kprobe,
		AttachType:   ebpf.AttachTraceKprobeMulti,
		License:      "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return refused(name, fmt.Errorf("a tracing program cannot be loaded: %w", err))
	}
	defer program.Close()
	l, err := link.KprobeMulti(program, link.KprobeMultiOptions{Symbols: []string{"kernel_power_off"}})
	if errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, unix.EOPNOTSUPP) {
		return unmet(name, "not supported (needs CONFIG_FPROBE, and Linux 5.18)", "use a kernel with CONFIG_FPROBE such as Debian 13's, or the collector ftrace, which does without")
	}
	if err != nil {
		return refused(name, err)
	}
	if err := l.Close(); err != nil {
		return unmet(name, "it attaches but does not detach: "+err.Error(), lab)
	}
	return met(name, "a program was attached and detached")
}
