package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hapscope/driver/scenario"
	"hapscope/internal/kernel/machine"
	"hapscope/internal/kernel/probe"
	"hapscope/record"
)

// place is where a run takes place, and why in one sentence.
type place struct{ where, why string }

// choosePlace decides between this machine and the lab.
func (a *app) choosePlace(ctx context.Context, s scenario.Scenario) (place, error) {
	asked := s.Where
	if asked == scenario.InLab {
		return place{scenario.InLab, "the lab was asked for"}, nil
	}
	if s.Repetitions == 0 {
		err := nativeUnfit()
		switch {
		case err == nil:
			return place{scenario.OnHost, "nothing is counted, and timing needs no kernel that can be traced"}, nil
		case asked == scenario.OnHost:
			return place{}, unfitError(err, "time in the lab: --where lab")
		}
		return place{scenario.InLab, err.Error()}, nil
	}
	unmet := record.Unmet(hostRequirements(ctx, s.Witnesses))
	switch {
	case len(unmet) == 0 && asked == scenario.OnHost:
		return place{scenario.OnHost, "the host was asked for and its kernel can be traced"}, nil
	case len(unmet) == 0:
		return place{scenario.OnHost, "this machine's kernel can be traced"}, nil
	case asked == scenario.OnHost:
		return place{}, unfitError(fmt.Errorf("this machine is unfit to measure on:%s", listUnmet(unmet)), labServes(s))
	}
	shown := min(2, len(unmet))
	why := "this machine is unfit: " + record.DescribeUnmet(unmet[:shown])
	if more := len(unmet) - shown; more > 0 {
		why += fmt.Sprintf(" (and %d more, see hapscope doctor)", more)
	}
	return place{scenario.InLab, why}, nil
}

// labServes says what to do where this machine was asked for and is unfit.
func labServes(s scenario.Scenario) string {
	if slices.Contains(containerEngines(), s.Engine) {
		return withoutEngine
	}
	return "without --where host the lab serves instead, which needs none of this"
}

// listUnmet has a line for each thing that is missing, and what to do about it below.
func listUnmet(unmet []record.Requirement) string {
	var b strings.Builder
	for _, r := range unmet {
		fmt.Fprintf(&b, "\n  %s: %s", r.Name, r.Detail)
		if r.Remedy != "" {
			fmt.Fprintf(&b, "\n    → %s", r.Remedy)
		}
	}
	return b.String()
}

// hostRequirements are what measuring on this machine needs, apart from what
// each variant needs, with the named witnesses.
func hostRequirements(ctx context.Context, names []string) (reqs []record.Requirement) {
	reqs = append(reqs, probe.Lockdown()) // which says why others are not met
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
