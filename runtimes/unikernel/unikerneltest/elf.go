// Package unikerneltest writes files that say of themselves what unikernels say, for
// tests. There is no program in them.
package unikerneltest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// Device is one entry of a manifest.
type Device struct {
	Name string
	Type uint32 // 1 is a disk, 2 a network
}

// Write writes a unikernel for a machine and a target of Solo5; target 0 has no notes.
func Write(t testing.TB, name string, machine elf.Machine, target uint32, devices ...Device) string {
	t.Helper()
	var notes [][]byte
	if target != 0 {
		notes = append(notes, note(0x31494241, 0, words(target, 2, 0, 0)), note(0x3154464d, 4, manifest(devices)))
	}
	const head, program = 64, 56
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: head, Ehsize: head, Phentsize: program, Phnum: uint16(len(notes)),
	}
	var file, contents bytes.Buffer
	put := func(v any) {
		if err := binary.Write(&file, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	put(h)
	for _, n := range notes {
		at := uint64(head + program*len(notes) + contents.Len())
		put(elf.Prog64{Type: uint32(elf.PT_NOTE), Off: at, Filesz: uint64(len(n)), Memsz: uint64(len(n)), Align: 4})
		contents.Write(n)
	}
	file.Write(contents.Bytes())
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// note is one of Solo5's, its content aligned by so many bytes, which count.
func note(kind uint32, pad int, content []byte) []byte {
	b := words(6, uint32(pad+len(content)), kind)
	b = append(b, "Solo5\x00\x00\x00"...)
	return append(append(b, make([]byte, pad)...), content...)
}

func manifest(devices []Device) []byte {
	b := words(1, uint32(len(devices)))
	for _, d := range devices {
		entry := make([]byte, 104)
		copy(entry, d.Name)
		binary.LittleEndian.PutUint32(entry[68:], d.Type)
		b = append(b, entry...)
	}
	return b
}

func words(ws ...uint32) (b []byte) {
	for _, w := range ws {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
