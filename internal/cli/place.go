package cli

import (
	"context"
	"fmt"
	"slices"

	"hapscope/driver/scenario"
	"hapscope/internal/kernel/machine"
	"hapscope/record"
)

// place is where a run takes place, and why in one sentence.
type place struct{ where, why string }

// choosePlace decides between this machine and the lab.
func (a *app) choosePlace(ctx context.Context, asked string, names []string) (place, error) {
	if asked == scenario.InLab {
		return place{scenario.InLab, "the lab was asked for"}, nil
	}
	unmet := record.Unmet(hostRequirements(ctx, names))
	switch {
	case len(unmet) == 0 && asked == scenario.OnHost:
		return place{scenario.OnHost, "the host was asked for and its kernel can be traced"}, nil
	case len(unmet) == 0:
		return place{scenario.OnHost, "this machine's kernel can be traced"}, nil
	case asked == scenario.OnHost:
		return place{}, unfitError(fmt.Errorf("this machine is unfit to measure on: %s", record.DescribeUnmet(unmet)), record.Remedies(unmet)+"; or measure in the lab: --where lab")
	}
	why := "this machine is unfit: " + record.DescribeUnmet(unmet[:1])
	if more := len(unmet) - 1; more > 0 {
		why += fmt.Sprintf(" (and %d more, see hapscope doctor)", more)
	}
	return place{scenario.InLab, why}, nil
}

// hostRequirements are what measuring on this machine needs, apart from what
// each variant needs, with the named witnesses.
func hostRequirements(ctx context.Context, names []string) (reqs []record.Requirement) {
	for _, c := range allWitnesses(record.Plan{}) {
		if slices.Contains(names, c.Name()) {
			reqs = append(reqs, c.Check(ctx)...)
		}
	}
	for _, c := range otherCollectors() {
		reqs = append(reqs, c.Check(ctx)...)
	}
	reqs = append(reqs, rootfsRequirement())
	return dedupe(reqs)
}

// describeMachine is what the driver writes into the record.
func describeMachine() (*record.Machine, error) {
	m, err := machine.Facts()
	return &m, err
}

// dedupe keeps the first requirement of each name: collectors share many.
func dedupe(reqs []record.Requirement) (out []record.Requirement) {
	seen := map[string]bool{}
	for _, r := range reqs {
		if !seen[r.Name] {
			seen[r.Name] = true
			out = append(out, r)
		}
	}
	return out
}
