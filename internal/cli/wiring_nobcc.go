//go:build !bcc

package cli

import "hapscope/collectors"

// bccWitness is none: the binary was built without the tag bcc.
func bccWitness() []collectors.Collector { return nil }
