package filter

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
)

// Program is one filter, as the kernel accepted it.
type Program []bpf.RawInstruction

const (
	// instructionSize is the size of struct sock_filter in bytes.
	instructionSize = 8
	// maxInstructions is BPF_MAXINSNS.
	maxInstructions = 4096
	// dataSize is the size of struct seccomp_data in bytes.
	dataSize = 64
	// scratchWords is BPF_MEMWORDS.
	scratchWords = 16
)

// Classic BPF as in linux/bpf_common.h and linux/filter.h.
const (
	ldWAbs   = 0x20
	ldWLen   = 0x80
	ldxWLen  = 0x81
	ldImm    = 0x00
	ldxImm   = 0x01
	ldMem    = 0x60
	ldxMem   = 0x61
	st       = 0x02
	stx      = 0x03
	retK     = 0x06
	retA     = 0x16
	tax      = 0x07
	txa      = 0x87
	ja       = 0x05
	neg      = 0x84
	aluClass = 0x04
	jmpClass = 0x05
	sourceX  = 0x08
	classOf  = 0x07
	opOf     = 0xf0
)

// Operations of the classes ALU and JMP.
const (
	add  = 0x00
	sub  = 0x10
	mul  = 0x20
	div  = 0x30
	or   = 0x40
	and  = 0x50
	lsh  = 0x60
	rsh  = 0x70
	xor  = 0xa0
	jeq  = 0x10
	jgt  = 0x20
	jge  = 0x30
	jset = 0x40
)

// Parse reads an array of struct sock_filter, in this machine's byte order.
func Parse(b []byte) (Program, error) {
	if len(b)%instructionSize != 0 {
		return nil, fmt.Errorf("parse filter: %d bytes are no whole number of instructions", len(b))
	}
	p := make(Program, len(b)/instructionSize)
	for i := range p {
		at := b[i*instructionSize:]
		p[i] = bpf.RawInstruction{Op: binary.NativeEndian.Uint16(at), Jt: at[2], Jf: at[3], K: binary.NativeEndian.Uint32(at[4:])}
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("parse filter: %w", err)
	}
	return p, nil
}

// check asks what the kernel asks of a filter (bpf_check_classic, net/core/filter.c, and
// seccomp_check_filter, kernel/seccomp.c), so that nothing else need be understood. What
// a program reads from scratch memory before it has written there is not asked: no such
// program comes out of the kernel, and here it reads zeros.
func (p Program) check() error {
	if len(p) == 0 || len(p) > maxInstructions {
		return fmt.Errorf("%d instructions, want 1 to %d", len(p), maxInstructions)
	}
	for i, in := range p {
		if err := p.checkInstruction(i, in); err != nil {
			return fmt.Errorf("instruction %d (%#x): %w", i, in.Op, err)
		}
	}
	if last := p[len(p)-1].Op; last != retK && last != retA {
		return errors.New("the last instruction does not return")
	}
	return nil
}

func (p Program) checkInstruction(i int, in bpf.RawInstruction) error {
	switch in.Op {
	case ldWAbs:
		if in.K >= dataSize || in.K%4 != 0 {
			return fmt.Errorf("load at %d: want an aligned word of %d bytes", in.K, dataSize)
		}
	case ldMem, ldxMem, st, stx:
		if in.K >= scratchWords {
			return fmt.Errorf("word %d of scratch memory: it has %d", in.K, scratchWords)
		}
	case ldWLen, ldxWLen, ldImm, ldxImm, retK, retA, tax, txa, neg:
	default:
		return p.checkOperation(i, in)
	}
	return nil
}

// checkOperation checks arithmetic and jumps.
func (p Program) checkOperation(i int, in bpf.RawInstruction) error {
	left := len(p) - i - 1
	if in.Op == ja {
		if uint64(in.K) >= uint64(left) {
			return errors.New("the jump leads outside")
		}
		return nil
	}
	op := in.Op &^ sourceX
	switch op {
	case jmpClass | jeq, jmpClass | jgt, jmpClass | jge, jmpClass | jset:
		if int(in.Jt) >= left || int(in.Jf) >= left {
			return errors.New("the jump leads outside")
		}
		return nil
	case aluClass | div:
		if in.Op&sourceX == 0 && in.K == 0 {
			return errors.New("division by zero")
		}
		return nil
	case aluClass | lsh, aluClass | rsh:
		if in.Op&sourceX == 0 && in.K >= 32 {
			return fmt.Errorf("shift by %d", in.K)
		}
		return nil
	case aluClass | add, aluClass | sub, aluClass | mul, aluClass | or, aluClass | and, aluClass | xor:
		return nil
	}
	return errors.New("seccomp has no such instruction")
}
