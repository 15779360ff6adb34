package kvm

import (
	"encoding/binary"
	"fmt"
	"strings"

	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// kvmExit is the one event without which there is nothing to count.
const kvmExit = "kvm_exit"

// event is one trace event of KVM: what of its records tells them apart.
type event struct {
	name   string
	kind   record.VMEvent
	fields []field                                 // at most two
	title  func(f *tracefs.Format) (titles, error) // prepares the naming
}

// field is a member of a record.
type field struct {
	name string
	size int
}

// titles names what the values of the fields stand for.
type titles func(a, b uint64) string

// fixed is one title for all records of an event.
func fixed(title string) func(*tracefs.Format) (titles, error) {
	return func(*tracefs.Format) (titles, error) {
		return func(uint64, uint64) string { return title }, nil
	}
}

// either is a title for a flag that is set and one for a flag that is not.
func either(set, unset string) func(*tracefs.Format) (titles, error) {
	return func(*tracefs.Format) (titles, error) {
		return func(a, _ uint64) string {
			if a != 0 {
				return set
			}
			return unset
		}, nil
	}
}

// events are those of arch/x86/kvm/trace.h and include/trace/events/kvm.h that are
// counted. Debian's 6.1 and 6.12 have all of them; a kernel that lacks one of the
// others than kvm_exit has nothing of that kind to count.
var events = []event{
	{kvmExit, record.VMExit, []field{{"exit_reason", 4}, {"isa", 4}}, exitReasons},
	{"kvm_hypercall", record.Hypercall, []field{{"nr", 8}}, func(*tracefs.Format) (titles, error) { return hypercall, nil }},
	{"kvm_hv_hypercall", record.Hypercall, nil, fixed("hyper-v")},
	{"kvm_xen_hypercall", record.Hypercall, nil, fixed("xen")},
	{"kvm_userspace_exit", record.VMUserExit, []field{{"reason", 4}, {"errno", 4}}, userReasons},
	{"kvm_pio", record.VMPortIO, []field{{"rw", 4}, {"port", 4}}, func(*tracefs.Format) (titles, error) { return port, nil }},
	{"kvm_mmio", record.VMMMIO, []field{{"type", 4}}, symbolic("type")},
	{"kvm_fast_mmio", record.VMMMIO, nil, fixed("fast")},
	{"kvm_inj_virq", record.VMInject, nil, fixed("interrupt")},
	{"kvm_inj_exception", record.VMInject, []field{{"exception", 1}}, symbolic("exception")},
	{"kvm_vcpu_wakeup", record.VMHalt, []field{{"waited", 1}}, either("slept", "polled")},
}

// Instruction sets of kvm_exit (KVM_ISA_VMX and KVM_ISA_SVM, arch/x86/kvm/trace.h).
const isaVMX = 1

// exitReasons names exits as the kernel prints them: it has a table for VMX, whose
// reason is the lower half of the field, and one for SVM.
func exitReasons(f *tracefs.Format) (titles, error) {
	tables, err := f.Symbolic("exit_reason")
	if err != nil {
		return nil, err
	}
	if len(tables) != 2 {
		return nil, fmt.Errorf("event %s: %d tables of exit reasons, want one for VMX and one for SVM", f.Name, len(tables))
	}
	return func(reason, isa uint64) string {
		if isa == isaVMX {
			return named(tables[0], reason&0xffff, "exit")
		}
		return named(tables[1], reason, "exit")
	}, nil
}

// userReasons names exits to the monitor; an error is what interrupts the virtual
// CPU without the guest's doing.
func userReasons(f *tracefs.Format) (titles, error) {
	tables, err := f.Symbolic("reason")
	if err != nil {
		return nil, err
	}
	if len(tables) != 1 {
		return nil, fmt.Errorf("event %s: %d tables of reasons", f.Name, len(tables))
	}
	const eintr = 4
	return func(reason, errno uint64) string {
		switch e := -int32(errno); {
		case e == eintr:
			return "restart"
		case e > 0:
			return "error"
		}
		return strings.TrimPrefix(named(tables[0], reason, "reason"), "KVM_EXIT_")
	}, nil
}

// symbolic names the values of a field as the kernel prints them.
func symbolic(field string) func(*tracefs.Format) (titles, error) {
	return func(f *tracefs.Format) (titles, error) {
		tables, err := f.Symbolic(field)
		if err != nil {
			return nil, err
		}
		if len(tables) == 0 {
			return nil, fmt.Errorf("event %s: no table of %s", f.Name, field)
		}
		return func(a, _ uint64) string { return named(tables[0], a, field) }, nil
	}
}

func named(table map[uint64]string, value uint64, what string) string {
	if name := table[value]; name != "" {
		return name
	}
	return fmt.Sprintf("%s_%#x", what, value)
}

// hypercalls are those of include/uapi/linux/kvm_para.h (KVM_HC_…).
var hypercalls = map[uint64]string{
	1: "VAPIC_POLL_IRQ", 2: "MMU_OP", 5: "KICK_CPU", 9: "CLOCK_PAIRING", 10: "SEND_IPI", 11: "SCHED_YIELD", 12: "MAP_GPA_RANGE",
}

func hypercall(nr, _ uint64) string { return named(hypercalls, nr, "hypercall") }

func port(write, port uint64) string {
	direction := "in"
	if write != 0 {
		direction = "out"
	}
	return fmt.Sprintf("%s %#x", direction, port)
}

// layout is where an event's records have what is needed of them.
type layout struct {
	event
	offsets []int
	size    int // bytes that a record must have
	titles  titles
}

func layoutOf(e event, f *tracefs.Format) (l layout, pid int, err error) {
	l = layout{event: e}
	if l.titles, err = e.title(f); err != nil {
		return l, 0, err
	}
	if pid, err = f.Offset("common_pid", 4); err != nil {
		return l, 0, err
	}
	l.size = pid + 4
	for _, field := range e.fields {
		offset, err := f.Offset(field.name, field.size)
		if err != nil {
			return l, 0, err
		}
		l.offsets, l.size = append(l.offsets, offset), max(l.size, offset+field.size)
	}
	return l, pid, nil
}

// key reads the fields of a record.
func (l *layout) key(r []byte) (k [2]uint64) {
	for i, at := range l.offsets {
		switch l.fields[i].size {
		case 1:
			k[i] = uint64(r[at])
		case 4:
			k[i] = uint64(binary.NativeEndian.Uint32(r[at:]))
		case 8:
			k[i] = binary.NativeEndian.Uint64(r[at:])
		}
	}
	return k
}
