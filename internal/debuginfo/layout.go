package debuginfo

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
)

// elsewhere is where sections go that are no code of a loaded module, each to a place
// of its own.
const elsewhere = 1 << 40

// layOut gives the sections of a module addresses, the code as the kernel's loader
// does it: in their order, each aligned as it asks for. The addresses go into the values
// of its symbols, to which relocations of the debug information add. It returns the
// module and the address of its .text.
func layOut(content []byte) (f *elf.File, text uint64, err error) {
	if f, err = elf.NewFile(bytes.NewReader(content)); err != nil {
		return nil, 0, err
	}
	if f.Type != elf.ET_REL || f.Class != elf.ELFCLASS64 {
		return nil, 0, fmt.Errorf("a %v of %v is not a module", f.Type, f.Class)
	}
	table := f.SectionByType(elf.SHT_SYMTAB)
	if table == nil {
		return nil, 0, errors.New("it has no symbol table")
	}
	addresses := make([]uint64, len(f.Sections))
	end := uint64(0)
	for i, s := range f.Sections {
		if !stays(s) {
			addresses[i] = elsewhere * uint64(i+1)
			continue
		}
		align := max(1, s.Addralign)
		end = (end + align - 1) / align * align
		addresses[i] = end
		if s.Name == ".text" {
			text = end
		}
		end += s.Size
	}
	if table.Offset > uint64(len(content)) || table.FileSize > uint64(len(content))-table.Offset {
		return nil, 0, errors.New("its symbol table ends behind the file")
	}
	symbols := content[table.Offset : table.Offset+table.FileSize]
	for ; len(symbols) >= elf.Sym64Size; symbols = symbols[elf.Sym64Size:] {
		section, value := symbols[6:8], symbols[8:16] // st_shndx and st_value of Elf64_Sym, elf(5)
		if n := int(f.ByteOrder.Uint16(section)); n > 0 && n < len(addresses) {
			f.ByteOrder.PutUint64(value, f.ByteOrder.Uint64(value)+addresses[n])
		}
	}
	f, err = elf.NewFile(bytes.NewReader(content))
	return f, text, err
}
