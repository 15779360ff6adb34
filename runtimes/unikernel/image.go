package unikernel

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Target is the tender that a unikernel was built for: abi_target of Solo5's
// include/elf_abi.h.
type Target uint32

// The targets. Unnoted ones are from before there were notes: nabla-run's.
const (
	Unnoted Target = iota
	HVT
	SPT
	Virtio
	Muen
	Genode
	Xen
)

func (t Target) String() string {
	names := []string{"a tender without notes (nabla-run)", "solo5-hvt", "solo5-spt", "virtio", "Muen", "Genode", "Xen"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("target %d of Solo5", uint32(t))
}

// Image is what a unikernel's file says of itself.
type Image struct {
	Machine elf.Machine
	Target  Target
	ABI     uint32   // version of the interface between unikernel and tender; 0 where it is unnoted
	Nets    []string // names of the devices that must be attached
	Blocks  []string
}

const (
	noteName = "Solo5\x00"
	abiNote  = 0x31494241 // "ABI1"
	mftNote  = 0x3154464d // "MFT1"
	// Type of an entry of the manifest, and the entry itself: name, type, padding, the
	// larger of two unions, the backing object, whether it is attached.
	blockDevice, netDevice = 1, 2
	reservedFirst          = 1 << 30
	entryName, entrySize   = 68, 68 + 4 + 16 + 8 + 8
	maxEntries             = 64
	maxNote                = 64 << 10 // 64 entries are 6656 bytes
)

// Read reads a unikernel's file.
func Read(path string) (*Image, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read unikernel %s: %w", path, err)
	}
	defer f.Close()
	image, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("read unikernel %s: %w", path, err)
	}
	return image, nil
}

func read(f *elf.File) (*Image, error) {
	if f.Class != elf.ELFCLASS64 || f.Type != elf.ET_EXEC {
		return nil, fmt.Errorf("it is no unikernel: %v %v, want a 64-bit executable at fixed addresses", f.Class, f.Type)
	}
	image := &Image{Machine: f.Machine}
	abi, err := note(f, abiNote, 4)
	if err != nil {
		return nil, err
	}
	if abi == nil {
		return image, nil
	}
	if len(abi) < 8 {
		return nil, fmt.Errorf("its note of the ABI has %d bytes", len(abi))
	}
	image.Target, image.ABI = Target(f.ByteOrder.Uint32(abi)), f.ByteOrder.Uint32(abi[4:])
	manifest, err := note(f, mftNote, 8)
	if err != nil {
		return nil, err
	}
	if manifest == nil {
		return nil, errors.New("it has no manifest of devices")
	}
	if err := image.devices(manifest, f.ByteOrder); err != nil {
		return nil, err
	}
	return image, nil
}

// devices reads the manifest: version, number of entries, the entries.
func (i *Image) devices(manifest []byte, order binary.ByteOrder) error {
	if len(manifest) < 8 || order.Uint32(manifest) != 1 {
		return errors.New("its manifest of devices is not of version 1")
	}
	n := int(order.Uint32(manifest[4:]))
	if n > maxEntries || len(manifest) < 8+n*entrySize {
		return fmt.Errorf("its manifest says %d devices in %d bytes", n, len(manifest))
	}
	for e := range slices.Chunk(manifest[8:8+n*entrySize], entrySize) {
		name, _, _ := bytes.Cut(e[:entryName], []byte{0})
		switch kind := order.Uint32(e[entryName:]); {
		case kind == netDevice:
			i.Nets = append(i.Nets, string(name))
		case kind == blockDevice:
			i.Blocks = append(i.Blocks, string(name))
		case kind < reservedFirst:
			return fmt.Errorf("its device %q is of the unknown type %d", name, kind)
		}
	}
	return nil
}

// note returns the content of Solo5's note of a type, or nil where there is none. As
// Solo5's own loader it takes the first in a program header of its own, and the content
// to be aligned within the file's image of the note.
func note(f *elf.File, kind uint32, align int) ([]byte, error) {
	const head = 4 + 4 + 4 + 8
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE || p.Filesz < head || p.Filesz > maxNote {
			continue
		}
		b, err := io.ReadAll(p.Open())
		if err != nil {
			return nil, fmt.Errorf("read a note: %w", err)
		}
		if len(b) < head || f.ByteOrder.Uint32(b) != uint32(len(noteName)) || f.ByteOrder.Uint32(b[8:]) != kind || string(b[12:12+len(noteName)]) != noteName {
			continue
		}
		// The size of the content counts what aligns it.
		from, end := (head+align-1)/align*align, uint64(head)+uint64(f.ByteOrder.Uint32(b[4:]))
		if end > uint64(len(b)) || end <= uint64(from) {
			return nil, fmt.Errorf("a note of %d bytes says that it ends at %d", len(b), end)
		}
		return b[from:end], nil
	}
	return nil, nil
}
