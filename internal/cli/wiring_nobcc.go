//go:build !bcc

package cli

import (
	"hapscope/collectors"
	"hapscope/record"
)

// bccWitness is none: the binary was built without the tag bcc.
func bccWitness(record.Plan) []collectors.Collector { return nil }
