package filter

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/bpf"
)

// data is struct seccomp_data with known values.
type data [dataSize / 4]uint32

// machine runs filters on known data.
type machine []*bpf.VM

// newMachine prepares filters, of which the last is asked first.
func newMachine(chain []Program) (machine, error) {
	var m machine
	for i, p := range chain {
		var instructions []bpf.Instruction
		for _, raw := range p {
			if raw.Op == ldxWLen { // as seccomp_check_filter replaces it
				raw = bpf.RawInstruction{Op: ldxImm, K: dataSize}
			}
			instructions = append(instructions, raw.Disassemble())
		}
		vm, err := bpf.NewVM(instructions)
		if err != nil {
			return nil, fmt.Errorf("filter %d: %w", i, err)
		}
		m = append(m, vm)
	}
	return m, nil
}

// run returns what the kernel would do.
func (m machine) run(d data) (Action, error) {
	packet := make([]byte, dataSize)
	for i, v := range d {
		binary.BigEndian.PutUint32(packet[4*i:], v)
	}
	out := allow
	for i := len(m) - 1; i >= 0; i-- {
		returned, err := m[i].Run(packet)
		if err != nil {
			return 0, err
		}
		if a := Action(uint32(returned)); i == len(m)-1 {
			out = a
		} else {
			out = stricter(out, a)
		}
	}
	return out, nil
}
