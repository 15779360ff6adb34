#!/bin/sh
# Builds vmlinux and one.ko: as small as can be, with all that makes the debug
# information of a kernel hard to read. What a test expects of them was read off the
# output of GNU nm, addr2line and readelf (2.40). GCC 12.2.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
flags="-O2 -g -gdwarf-5 -ffreestanding -fno-pie -mcmodel=kernel -fcf-protection=none -fno-asynchronous-unwind-tables -Iinclude -fdebug-prefix-map=$PWD=/usr/src/linux"
for f in init/main kernel/first kernel/second drivers/one/one drivers/one/two; do
	gcc $flags -c "$PWD/$f.c" -o "$work/$(basename $f).o"
done
gcc $flags -c "$PWD/kernel/entry.S" -o "$work/entry.o"
ld -nostdlib --build-id=sha1 -Ttext=0xffffffff81000000 --section-start=.init.text=0xffffffff81100000 -e start_kernel --defsym=_stext=0xffffffff81000000 \
	-o vmlinux "$work/main.o" "$work/first.o" "$work/second.o" "$work/entry.o"
ld -r -o one.ko "$work/one.o" "$work/two.o"
rm -r "$work"
