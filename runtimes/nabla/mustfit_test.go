//go:build !lab

package nabla

const mustFit = false
