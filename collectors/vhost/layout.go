package vhost

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cilium/ebpf/btf"
)

// offset is a place in one of vhost's structures that the programs must know.
type offset struct {
	variable string // of vhost.bpf.c
	of       string // structure
	path     []string
}

// offsets are those of drivers/vhost/vhost.h since Linux 5.9.
var offsets = []offset{
	{"work_fn", "vhost_work", []string{"fn"}},
	{"poll_wait", "vhost_poll", []string{"wait"}},
	{"poll_work", "vhost_poll", []string{"work"}},
	{"queue_call", "vhost_virtqueue", []string{"call_ctx", "ctx"}},
	{"queue_kick", "vhost_virtqueue", []string{"handle_kick"}},
}

// layout reads the offsets, in bytes, by variable, from the BTF of vhost.
func layout() (map[string]uint64, error) {
	types, err := btf.LoadKernelModuleSpec(core)
	if errors.Is(err, fs.ErrNotExist) { // vhost may be a part of the kernel itself
		types, err = btf.LoadKernelSpec()
	}
	if err != nil {
		return nil, fmt.Errorf("read the BTF of vhost: %w", err)
	}
	at := map[string]uint64{}
	for _, o := range offsets {
		var s *btf.Struct
		if err := types.TypeByName(o.of, &s); err != nil {
			return nil, fmt.Errorf("BTF of vhost: struct %s: %w", o.of, err)
		}
		n, err := memberOffset(s, o.path)
		if err != nil {
			return nil, fmt.Errorf("BTF of vhost: %w", err)
		}
		at[o.variable] = uint64(n)
	}
	return at, nil
}

// memberOffset is where the member lies, in bytes, to which a path leads.
func memberOffset(s *btf.Struct, path []string) (uint32, error) {
	for _, m := range s.Members {
		if m.Name != path[0] {
			continue
		}
		if len(path) == 1 {
			return m.Offset.Bytes(), nil
		}
		inner, ok := btf.UnderlyingType(m.Type).(*btf.Struct)
		if !ok {
			return 0, fmt.Errorf("struct %s: %s is no structure", s.Name, m.Name)
		}
		n, err := memberOffset(inner, path[1:])
		return m.Offset.Bytes() + n, err
	}
	return 0, fmt.Errorf("struct %s has no %s", s.Name, path[0])
}
