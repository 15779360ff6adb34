//go:build lab

// Package labtest is what the lab tests of the collectors share: a helper
// process that makes an exactly known number of system calls. It is the test
// binary itself, started again. The tests run inside the lab VM, as root.
package labtest
