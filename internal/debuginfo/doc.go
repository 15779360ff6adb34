// Package debuginfo reads where the functions of a kernel are in its source, and how
// much code they have, out of its ELF files with debug information: the uncompressed
// vmlinux, and modules.
//
// Sizes come from the symbol table, everything else from the line table. Neither needs
// the tree of debugging entries, which is the large part of DWARF and knows nothing of
// functions written in assembler.
//
// Sharp edges:
//
//   - A part that the compiler has split off (.cold) belongs to the function that it was
//     split from: the local one of that name in the same object, else the global one.
//   - Modules are relocatable: their sections have no addresses yet. They are laid out
//     as the kernel's loader does it (layout_sections, kernel/module/main.c), which is
//     what the offsets of record.Function count by.
//   - Functions that are gone after the boot (sections .init) are left out.
package debuginfo
