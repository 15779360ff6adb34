//go:build !lab

package oci

const mustFit = false
