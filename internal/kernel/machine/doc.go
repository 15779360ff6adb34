// Package machine reads the facts of record.Machine: which kernel, configured
// how, on what processor, with which mitigations.
package machine
