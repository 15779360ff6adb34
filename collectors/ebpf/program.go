package ebpf

import (
	"errors"
	"fmt"
	"math"

	"github.com/cilium/ebpf"

	"hapscope/internal/kernel/probe"
	"hapscope/internal/kernel/symbols"
)

// maxCPUs is that of witness.bpf.c.
const maxCPUs = 512

// spare is room in the counts for functions of modules that are loaded later.
const spare = 8192

// choose finds functions by name, or by one of the names that they are called by.
func choose(table *symbols.Table, names []string) (chosen []int, err error) {
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
	functions := len(table.Functions) + spare
	if cpus > maxCPUs {
		return nil, fmt.Errorf("the machine has %d CPUs, and the program is made for %d", cpus, maxCPUs)
	}
	spec, err := loadWitness()
	if err != nil {
		return nil, err
	}
	count, err := probe.PreemptCount(table)
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
