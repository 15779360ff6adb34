package ebpf

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"hapscope/internal/kernel/symbols"
)

// maxCPUs and maxPIDs are those of witness.bpf.c.
const (
	maxCPUs = 512
	maxPIDs = 1 << 22
)

// choose finds functions by name, or by one of the names that they are called by.
func choose(table *symbols.Table, names []string) (chosen []int, err error) {
	if len(names) > MaxFunctions {
		return nil, fmt.Errorf("%d functions are to be observed one by one, and at most %d can be", len(names), MaxFunctions)
	}
	for _, name := range names {
		i := table.Find("", name)
		if i < 0 {
			return nil, fmt.Errorf("the function %s cannot be traced, or there are several of that name", name)
		}
		chosen = append(chosen, i)
	}
	return chosen, nil
}

// oneProgram names the program of one chosen function.
func oneProgram(function int) string { return fmt.Sprintf("enter_%d", function) }

// load puts the programs and their maps into the kernel; nothing is attached. For
// each chosen function there is a program of its own.
func load(table *symbols.Table, cpus int, chosen []int) (*ebpf.Collection, error) {
	functions := len(table.Functions)
	if cpus > maxCPUs {
		return nil, fmt.Errorf("the machine has %d CPUs, and the program is made for %d", cpus, maxCPUs)
	}
	spec, err := loadWitness()
	if err != nil {
		return nil, err
	}
	count, err := preemptCount(table)
	if err != nil {
		return nil, fmt.Errorf("find the preempt count, which tells interrupts: %w", err)
	}
	rows := uint64(cpus) * uint64(functions) * uint64(len(slots))
	if rows > math.MaxUint32 {
		return nil, fmt.Errorf("%d functions on %d CPUs are too many for one map", functions, cpus)
	}
	spec.Maps["counts"].MaxEntries = uint32(rows)
	offsets, ok := table.Variable("__per_cpu_offset")
	if !ok {
		return nil, errors.New("kernel symbols: there is no __per_cpu_offset")
	}
	for name, value := range map[string]any{"preempt_count": count, "per_cpu_offset": offsets, "functions": uint32(functions)} {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	one := spec.Programs["enter_one"]
	delete(spec.Programs, "enter_one")
	for _, i := range chosen {
		p := one.Copy()
		p.AttachTo = table.Functions[i].Symbol
		spec.Programs[oneProgram(i)] = p
	}
	if len(chosen) > 0 {
		delete(spec.Programs, "enter") // its kind is not known where kprobe.multi is missing
	}
	loaded, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, explain(err)
	}
	return loaded, nil
}

// explain adds what the verifier had to say.
func explain(err error) error {
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		return fmt.Errorf("load the programs: %+v", refused)
	}
	return fmt.Errorf("load the programs: %w", err)
}

// preemptCount is the place of the preempt count in a CPU's area: a variable of
// its own before 6.2 and since 6.15, a member of pcpu_hot in between (arch/x86,
// include/asm/current.h).
func preemptCount(table *symbols.Table) (uint64, error) {
	if runtime.GOARCH != "amd64" {
		return 0, fmt.Errorf("it is no per-CPU variable on %s", runtime.GOARCH)
	}
	if offset, ok := table.Variable("__preempt_count"); ok {
		return offset, nil
	}
	hot, ok := table.Variable("pcpu_hot")
	if !ok {
		return 0, errors.New("kernel symbols: neither __preempt_count nor pcpu_hot is there")
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return 0, err
	}
	var layout *btf.Struct
	if err := kernel.TypeByName("pcpu_hot", &layout); err != nil {
		return 0, err
	}
	at, ok := member(layout.Members, "preempt_count")
	if !ok {
		return 0, errors.New("pcpu_hot has none")
	}
	return hot + uint64(at), nil
}

// member returns the offset of a member, in bytes, also of one in an anonymous
// structure or union.
func member(members []btf.Member, name string) (uint32, bool) {
	for _, m := range members {
		if m.Name == name {
			return m.Offset.Bytes(), true
		}
		var inner []btf.Member
		switch t := m.Type.(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if m.Name != "" || inner == nil {
			continue
		}
		if at, ok := member(inner, name); ok {
			return m.Offset.Bytes() + at, true
		}
	}
	return 0, false
}
