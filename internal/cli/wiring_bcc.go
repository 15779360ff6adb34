//go:build bcc

package cli

import (
	"hapscope/collectors"
	"hapscope/collectors/bcc"
	"hapscope/record"
)

// bccWitness is the one on kprobes.
func bccWitness(plan record.Plan) []collectors.Collector {
	return []collectors.Collector{bcc.New(bcc.Options{Functions: plan.Sample, Seed: plan.Seed})}
}
