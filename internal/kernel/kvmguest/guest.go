package kvmguest

import (
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"
)

// The guest's memory: three page tables that map its first 2 MiB onto
// themselves, then its code. A guest with page tables of its own makes the
// processor walk two dimensions of them, which is where half-working nested
// set-ups fail.
const (
	memSize = 0x5000
	pml4    = 0x1000
	pdpt    = 0x2000
	pd      = 0x3000
	code    = 0x4000

	present, writable, large = 1, 2, 0x80
)

// load writes page tables and code.
func load(mem, program []byte) {
	put := func(at, v uint64) { binary.LittleEndian.PutUint64(mem[at:], v) }
	put(pml4, pdpt|present|writable)
	put(pdpt, pd|present|writable)
	put(pd, present|writable|large)
	copy(mem[code:], program)
}

// probeCode is the guest of Probe.
var probeCode = []byte{
	0x48, 0xff, 0x04, 0x25, 0x00, 0x00, 0x00, 0x00, // inc qword [0]: a write through the page tables
	0xe6, 0x80, // out 0x80, al: the POST code port, which nothing emulates in the kernel
	0xf4, // hlt
}

// Calls is a guest that makes so many hypercalls of a number, writes so often to
// port 0x80, and halts.
func Calls(hypercalls, number, outs uint32) []byte {
	call := []byte{0x0f, 0x01, 0xd9} // vmmcall
	if intel() {
		call = []byte{0x0f, 0x01, 0xc1} // vmcall
	}
	le := binary.LittleEndian.AppendUint32
	code := le([]byte{0xb9}, hypercalls)              // mov ecx, hypercalls
	code = le(append(code, 0xb8), number)             // mov eax, number
	code = append(code, call...)                      //
	code = append(code, 0xff, 0xc9)                   // dec ecx
	code = append(code, 0x75, 0xf4)                   // jnz to the mov of eax, 12 bytes back
	code = le(append(code, 0xb9), outs)               // mov ecx, outs
	code = append(code, 0xe6, 0x80)                   // out 0x80, al
	return append(code, 0xff, 0xc9, 0x75, 0xfa, 0xf4) // dec ecx; jnz to the out; hlt
}

// intel reports whether the processor has VMX: it is told apart by the name of
// KVM's module for it.
func intel() bool {
	_, err := os.Stat("/sys/module/kvm_intel")
	return err == nil
}

type memoryRegion struct {
	Slot, Flags uint32
	Guest       uint64
	Size        uint64
	Address     uint64
}

type segment struct {
	Base                                           uint64
	Limit                                          uint32
	Selector                                       uint16
	Type, Present, DPL, DB, S, L, G, AVL, Unusable uint8
	_                                              uint8
}

type table struct {
	Base  uint64
	Limit uint16
	_     [3]uint16
}

type sregs struct {
	CS, DS, ES, FS, GS, SS, TR, LDT         segment
	GDT, IDT                                table
	CR0, CR2, CR3, CR4, CR8, EFER, APICBase uint64
	Interrupts                              [4]uint64
}

// regs is struct kvm_regs: 16 general registers in an order that does not
// matter here, then the two that do.
type regs struct {
	General    [16]uint64
	RIP, Flags uint64
}

// cpuid is struct kvm_cpuid2 with room for more entries than KVM has
// (KVM_MAX_CPUID_ENTRIES is 256).
type cpuid struct {
	N, _    uint32
	Entries [256][10]uint32
}

// features gives the virtual CPU everything that KVM supports here: without,
// it has no 64-bit mode.
func features(dev, cpu int) error {
	c := cpuid{N: 256}
	if _, err := ioctl(dev, getSupportedCPUID, unsafe.Pointer(&c)); err != nil {
		return fmt.Errorf("ask for the supported CPU features: %w", err)
	}
	if _, err := ioctl(cpu, setCPUID, unsafe.Pointer(&c)); err != nil {
		return fmt.Errorf("set the virtual CPU's features: %w", err)
	}
	return nil
}

// longMode puts the virtual CPU before the code, in 64-bit mode at ring 0.
func longMode(cpu int) error {
	var s sregs
	if _, err := ioctl(cpu, getSregs, unsafe.Pointer(&s)); err != nil {
		return fmt.Errorf("read the virtual CPU's registers: %w", err)
	}
	s.CR3 = pml4
	s.CR4 |= 1 << 5        // PAE
	s.CR0 |= 1<<31 | 1<<0  // PG, PE
	s.EFER |= 1<<8 | 1<<10 // LME, LMA
	s.CS = segment{Limit: ^uint32(0), Selector: 8, Type: 11, Present: 1, S: 1, L: 1, G: 1}
	data := segment{Limit: ^uint32(0), Selector: 16, Type: 3, Present: 1, DB: 1, S: 1, G: 1}
	s.DS, s.ES, s.FS, s.GS, s.SS = data, data, data, data, data
	if _, err := ioctl(cpu, setSregs, unsafe.Pointer(&s)); err != nil {
		return fmt.Errorf("put the virtual CPU in 64-bit mode: %w", err)
	}
	r := regs{RIP: code, Flags: 2} // bit 1 is always set
	if _, err := ioctl(cpu, setRegs, unsafe.Pointer(&r)); err != nil {
		return fmt.Errorf("set the virtual CPU's registers: %w", err)
	}
	return nil
}
