package probe

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/cilium/ebpf/btf"

	"hapscope/internal/kernel/symbols"
)

// PreemptCount is the place of the preempt count in a CPU's area: a variable of
// its own before 6.2 and since 6.15, a member of pcpu_hot in between (arch/x86,
// include/asm/current.h).
func PreemptCount(table *symbols.Table) (uint64, error) {
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
