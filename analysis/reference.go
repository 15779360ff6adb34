package analysis

import (
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// plainContainers are the variants with which all others are compared where nothing else
// is asked for: the first that is in the record. They add nothing to what the host's
// kernel does for a program, as the docker of published measurements.
func plainContainers() []string { return []string{"runc", "crun", "docker-runc", "podman-runc"} }

// referenceOf is the variant with which a record's others are compared. One that the plan
// names stays it in a shard that does not hold it, which then has no ratio.
func referenceOf(plan *record.Plan) string {
	if plan.Reference != "" {
		return plan.Reference
	}
	for _, v := range plainContainers() {
		if slices.Contains(plan.Variants, v) {
			return v
		}
	}
	return plainContainers()[0]
}

// SetReference has the variants of a record compared with another one than its plan says.
// It is to be called before the record is worked out.
func SetReference(run *record.Run, variant string) error {
	if !slices.Contains(run.Plan.Variants, variant) {
		return fmt.Errorf("%q is no variant of this record, which has %s", variant, strings.Join(run.Plan.Variants, ", "))
	}
	run.Plan.Reference = variant
	return nil
}

// Reference is the variant with which the others are compared.
func (r *Report) Reference() string { return referenceOf(&r.Run.Plan) }

// plainReference reports whether that is a plain container, so that ratios to it stand for
// ratios to docker.
func (r *Report) plainReference() bool { return slices.Contains(plainContainers(), r.Reference()) }
