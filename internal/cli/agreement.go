package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hapscope/analysis"
	"hapscope/driver"
	"hapscope/driver/scenario"
	"hapscope/record"
)

// agreementFloor is the similarity from which on two witnesses are said to agree.
const agreementFloor = 0.99

// sampleOfSeen is how many functions that another witness saw bcc is asked for,
// because of functions drawn from all it would see hardly one.
const sampleOfSeen = 50

// agreement asks whether the named witnesses see the same functions of a sandbox of
// each variant. The witness bcc is asked afterwards: its programs call
// functions of the kernel on the sandbox's behalf, which ftrace sees. It observes, at
// random, some of all functions and some of seen, those that were asked for, and all on which the others are
// known to differ or have differed in every repetition.
func (a *app) agreement(ctx context.Context, rootfs string, asked selfTestSelection, names, seen []string) (checks []record.Check, err error) {
	everything := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == witnessBCC })
	rand.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
	sample := slices.Concat(analysis.Differing(), asked.Functions, seen[:min(len(seen), sampleOfSeen)])
	if len(everything) >= 2 {
		if checks, sample, err = a.compareAll(ctx, rootfs, asked, everything, sample); err != nil {
			return checks, err
		}
	}
	if len(names) < 2 || len(everything) == len(names) {
		return checks, nil
	}
	report, err := a.compare(ctx, rootfs, asked.Variants, names, sample, 1)
	if err != nil {
		return checks, err
	}
	said := verdicts(report, sample)
	if len(said) == 0 {
		err = fmt.Errorf("no cell was measured: %s", report.Coverage())
	}
	return append(checks, said...), err
}

// compareAll compares the witnesses that observe everything. It returns the sample as
// well, with the functions on which they differed.
func (a *app) compareAll(ctx context.Context, rootfs string, asked selfTestSelection, names, sample []string) (checks []record.Check, _ []string, err error) {
	report, err := a.compare(ctx, rootfs, asked.Variants, names, nil, asked.Repetitions)
	if err != nil {
		return nil, nil, err
	}
	for _, g := range report.Agreements() {
		c := record.Check{Name: "the same functions of " + g.Cell.String(), Witness: g.A + ", " + g.B, Passed: g.Worst >= agreementFloor}
		c.Detail = fmt.Sprintf("Jaccard %.4f over %d repetitions, at worst %.4f", g.Jaccard(), g.N, g.Worst)
		for _, s := range dissents(report, g.Dissent) {
			c.Detail += "; " + s
		}
		checks = append(checks, c)
		for _, d := range g.Dissent {
			// One on which they agree at other times was at the edge of the phase.
			if name := report.Functions[d.Function].Symbol; d.N == g.N && !slices.Contains(sample, name) {
				sample = append(sample, name)
			}
		}
	}
	if len(checks) == 0 {
		return nil, nil, fmt.Errorf("no cell was measured: %s", report.Coverage())
	}
	return checks, sample, nil
}

// compare measures a sandbox of each variant with all witnesses at once.
func (a *app) compare(ctx context.Context, rootfs string, variants, witnesses, sample []string, repetitions int) (*analysis.Report, error) {
	dir, err := os.MkdirTemp("", "hapscope-selftest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	plan := driver.NewPlan(scenario.Scenario{
		Name: "selftest", Variants: variants, Workloads: []string{"redis-set"}, Repetitions: repetitions,
		Witnesses: witnesses, Settle: time.Second, Deadline: 5 * time.Minute, Seed: uint64(time.Now().UnixNano()),
		Load: record.Load{Mode: scenario.Paced, Requests: 100, Rate: 300, WarmUp: 200, RequestsPerConnection: 10},
	})
	plan.LifecycleRepetitions, plan.Sample = 0, sample
	run := record.Run{
		Schema: record.SchemaVersion, ID: "selftest", Created: time.Now().UTC(), Hapscope: build(), Plan: plan, Where: scenario.OnHost, Why: "a self-test",
		Lab: &record.Lab{TimerSlack: a.timerSlack.Seconds()},
	}
	dir = filepath.Join(dir, "run")
	w, err := record.NewWriter(dir, run)
	if err != nil {
		return nil, err
	}
	err = a.drive(ctx, w, &run, nil, rootfs)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	rec, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	return a.analyse(rec), nil
}

// verdicts are what the witness bcc says: on the functions that all observed, and
// on those of which the others had disagreed. It agrees with one of them where each
// difference has a known reason, because a single function weighs much in a sample.
func verdicts(r *analysis.Report, sample []string) (checks []record.Check) {
	all := r.Agreements()
	for _, g := range all {
		if g.B != witnessBCC {
			continue
		}
		c := record.Check{Name: "a sample of the functions of " + g.Cell.String(), Witness: g.A + ", " + g.B, Passed: true}
		c.Detail = fmt.Sprintf("of %d functions that both observed, any of them saw %d in %d repetitions and both saw %d", g.Sample, g.Either, g.N, g.Both)
		for _, d := range g.Dissent {
			c.Passed = c.Passed && d.Reason != analysis.Unexplained
		}
		for _, s := range dissents(r, g.Dissent) {
			c.Detail += "; " + s
		}
		for _, other := range all {
			if other.Cell == g.Cell && other.B != witnessBCC {
				c.Detail += sides(r, g, other, sample)
			}
		}
		checks = append(checks, c)
	}
	return checks
}

// sides says with whom bcc agrees on functions of which the others disagree.
func sides(r *analysis.Report, bcc, other analysis.Agreement, sample []string) string {
	with := map[string][]string{}
	for _, d := range other.Dissent {
		if !slices.Contains(sample, r.Functions[d.Function].Symbol) {
			continue // bcc did not observe it
		}
		side := other.A
		if slices.ContainsFunc(bcc.Dissent, func(b analysis.Dissent) bool {
			return b.Function == d.Function && (b.Witness == bcc.A) == (d.Witness == other.A)
		}) {
			side = other.B
		}
		with[side] = append(with[side], r.Name(d.Function))
	}
	out := ""
	for _, side := range []string{other.A, other.B} {
		if len(with[side]) > 0 {
			out += fmt.Sprintf("; where %s and %s differ, it saw what %s saw of %s", other.A, other.B, side, strings.Join(with[side], ", "))
		}
	}
	return out
}

// dissents says what only one of two witnesses saw, and why, each reason once.
func dissents(r *analysis.Report, all []analysis.Dissent) (out []string) {
	type ground struct{ witness, reason string }
	names := map[ground][]string{}
	var order []ground
	for _, d := range all {
		g := ground{d.Witness, d.Reason}
		if names[g] == nil {
			order = append(order, g)
		}
		names[g] = append(names[g], r.Name(d.Function))
	}
	for _, g := range order {
		slices.Sort(names[g])
		out = append(out, fmt.Sprintf("only %s saw %s: %s", g.witness, strings.Join(names[g], ", "), g.reason))
	}
	return out
}
