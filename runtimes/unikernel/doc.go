// Package unikernel reads the files that a plan names for variants that boot
// unikernels, and says what is wrong with them before anything is made for a sandbox.
//
// There are two kinds. Those of Solo5 since 0.6 say in notes of the ELF file which
// tender they are for and which devices must be attached (include/elf_abi.h and
// mft_abi.h of Solo5). Those for nabla-run are older: they have no notes, and take what
// they need as one JSON text, that of rumprun (lib/librumprun_base/config.c of
// nabla-containers/rumprun, doc/config.md).
package unikernel
