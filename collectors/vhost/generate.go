package vhost

//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -target amd64 -no-global-types vhost vhost.bpf.c -- -O2 -Wall -Werror -I../internal/bpf -I/usr/include/x86_64-linux-gnu
