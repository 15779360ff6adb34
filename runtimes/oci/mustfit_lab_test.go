//go:build lab

package oci

// mustFit says that sandboxes can be made here: no test is skipped.
const mustFit = true
