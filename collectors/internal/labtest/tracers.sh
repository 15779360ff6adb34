#!/bin/sh
# Runs a command in the root file system of other tracers, inside the lab: what
# needs libbpfcc or the kernel's headers. $1 is a directory to see as /mnt.
set -e
root=/lab/tracers
for d in proc sys dev; do mountpoint -q $root/$d || mount --rbind /$d $root/$d; done
mountpoint -q $root/tmp || mount -t tmpfs tmp $root/tmp
mountpoint -q $root/mnt || mount --bind "$1" $root/mnt
shift
exec chroot $root "$@"
