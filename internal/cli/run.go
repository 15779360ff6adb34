package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hapscope/driver"
	"hapscope/driver/scenario"
	"hapscope/record"
)

// runOptions are the flags of run.
type runOptions struct {
	out         string
	resume      string
	scenarios   string
	where       string
	kernel      string
	variants    []string
	workloads   []string
	repetitions int
	reference   string
	outputs     []string
	collector   string
	converged   string
	traceBuffer string
	check       bool
	gate        gateOptions
	engineOptions
}

func runCommand(a *app) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run [SCENARIO]",
		Short: "measure a scenario and write a record and a report",
		Long: `Measure a scenario of scenarios.yaml (default: quick). Each finished repetition
is on disk before the next one starts; a run that was interrupted, killed or
lost its VM goes on with --resume.

The run directory holds run.json, results.jsonl and functions-*.csv (the record,
docs/record.md) and report.html, results.csv, steady.svg and a PNG of each figure for
which there are numbers (the report).`,
		Example: `  hapscope run quick
  hapscope run full --out results/full
  hapscope run quick --variants runc,crun --workloads redis-set
  hapscope run vm --containerd-address /run/containerd/containerd.sock --where host
  hapscope run --resume runs/last`,
		Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.run(c.Context(), o, args, c.Flags().Changed)
		},
	}
	f := c.Flags()
	f.StringVar(&o.out, "out", "", "run directory to make (default runs/TIME-SCENARIO)")
	f.StringVar(&o.resume, "resume", "", "go on with the run in this directory")
	f.StringVar(&o.scenarios, "scenarios", "", "scenarios file (default ./scenarios.yaml, else the built-in one)")
	f.StringVar(&o.where, "where", "", "auto, host or lab (default: the scenario's)")
	f.StringVar(&o.kernel, "lab-kernel", "", "Debian suite of the lab's kernel (default: the scenarios file's)")
	f.StringSliceVar(&o.variants, "variants", nil, "only these variants of the scenario")
	f.StringSliceVar(&o.workloads, "workloads", nil, "only these workloads of the scenario")
	f.StringVar(&o.reference, "reference", "", "the `VARIANT` with which the report compares the others (default: the scenario's, else runc or another plain container)")
	f.StringVar(&o.collector, "collector", "", "who counts functions: "+strings.Join(witnessNames(), ", ")+", or all, of which the first gives the result (default: the scenario's)")
	f.StringVar(&o.converged, "until-converged", "", "stop repeating a cell of whose functions at most this `SHARE` (2%) is unseen, by Chao1's estimate")
	f.StringVar(&o.traceBuffer, "trace-buffer", "", "`SIZE` of ftrace's ring buffer for each CPU, such as 128MiB (default: the scenario's)")
	o.engineOptions.add(f)
	f.BoolVar(&o.check, "check", false, "hold the record to the budgets of the scenarios file afterwards, as hapscope check does; what is missing for that shows before anything is measured")
	o.gate.add(f)
	f.BoolVar(&a.noSelfTest, "no-selftest", false, "measure even if the instruments do not count a known answer right; the report says so")
	f.IntVar(&o.repetitions, "repetitions", 0, "instead of the scenario's")
	f.StringArrayVarP(&o.outputs, "output", "o", []string{"text"}, "`FORMAT[=PATH]` to write besides the run directory's, as in report")
	return c
}

func (a *app) run(ctx context.Context, o runOptions, args []string, changed func(string) bool) error {
	targets, err := parseOutputs(o.outputs)
	if err != nil {
		return err
	}
	g, err := a.gateOf(o, args, changed)
	if err != nil {
		return err
	}
	var dir string
	if o.resume != "" {
		for _, flag := range []string{"out", "scenarios", "where", "lab-kernel", "variants", "workloads", "reference", "repetitions", "collector", "until-converged", "trace-buffer", engineFlag, addressFlag, dockerFlag} {
			if flag == "scenarios" && o.check {
				continue // whose budgets are asked for
			}
			if changed(flag) || len(args) > 0 {
				return usageError("--resume goes on with what %s holds: it takes neither a scenario nor --%s", o.resume, flag)
			}
		}
		dir = o.resume
	} else if dir, err = a.prepare(ctx, o, args); err != nil {
		return err
	}

	ctx = a.keepLog(ctx, dir)
	runErr := a.measure(ctx, dir)
	// Whatever happened, what is finished is reported.
	err = a.conclude(dir, targets, g, runErr)
	if worthReporting(err) {
		a.unhappy = dir
	}
	return err
}

// worthReporting reports whether a run ended with what its user may want to ask about:
// not where something is missing, or was interrupted, which the message explains.
func worthReporting(err error) bool {
	return err != nil && (exitCode(err) == exitError || errors.As(err, new(fault)))
}

// gateOf makes what the record is held to afterwards; nothing where no check is asked for.
func (a *app) gateOf(o runOptions, args []string, changed func(string) bool) (*gate, error) {
	if !o.check {
		for _, flag := range []string{"baseline", "baselines", "date", "across-kernels", "across-places", "across-plans"} {
			if changed(flag) {
				return nil, usageError("--%s is of a check: it needs --check", flag)
			}
		}
		return nil, nil
	}
	g, err := a.newGate(o.scenarios, o.gate)
	if err != nil {
		return nil, err
	}
	name := scenarioOf(args)
	if o.resume != "" {
		rec, err := a.readRecord(o.resume)
		if err != nil {
			return nil, err
		}
		name = rec.Run.Plan.Scenario
	}
	return g, g.suits(name)
}

// scenarioOf is the scenario that run is asked for.
func scenarioOf(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	return "quick"
}

// prepare works the scenario out and makes the run directory.
func (a *app) prepare(ctx context.Context, o runOptions, args []string) (dir string, err error) {
	file, err := a.loadScenarios(o.scenarios)
	if err != nil {
		return "", err
	}
	s, err := file.Find(scenarioOf(args))
	if err != nil {
		return "", &codedError{code: exitUsage, err: err, hint: "`hapscope list` shows them"}
	}
	if err := a.choose(ctx, &s, o); err != nil {
		return "", err
	}
	if err := narrow(&s, o); err != nil {
		return "", err
	}
	if o.kernel != "" {
		file.Lab.Kernel = o.kernel
	}
	now := time.Now()
	dir = o.out
	if dir == "" {
		dir = filepath.Join("runs", now.Format("20060102-150405")+"-"+s.Name)
	}
	plan := driver.NewPlan(s)
	if err := checkEngine(plan); err != nil {
		return "", err
	}
	place, err := a.choosePlace(ctx, s)
	if err != nil {
		return "", err
	}
	if place.where == scenario.InLab && usesEngine(plan) {
		return "", noEngineInLab(place)
	}
	if place.where == scenario.InLab && plan.ContainerdAddress != "" {
		return "", noContainerdInLab(plan.ContainerdAddress, place)
	}
	run := record.Run{
		Schema: record.SchemaVersion, ID: now.UTC().Format("20060102T150405Z") + "-" + s.Name,
		Created: now.UTC(), Hapscope: build(), Plan: plan, Where: place.where, Why: place.why,
	}
	if place.where == scenario.InLab {
		run.Lab = &record.Lab{
			Suite: file.Lab.Suite, KernelSuite: file.Lab.Kernel,
			CPUs: file.Lab.CPUs, MemoryBytes: file.Lab.MemoryBytes, TimerSlack: file.Lab.TimerSlack.Seconds(),
		}
	}
	w, err := record.NewWriter(dir, run)
	if err != nil {
		return "", usageError("make the run directory: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	if o.out == "" {
		linkLast(dir)
	}
	return dir, nil
}

// linkLast makes runs/last point to the newest run: a convenience, so that a
// failure is nothing to stop for.
func linkLast(dir string) {
	link := filepath.Join(filepath.Dir(dir), "last")
	if info, err := os.Lstat(link); err == nil && info.Mode()&os.ModeSymlink == 0 {
		return // somebody's own file
	}
	_ = os.Remove(link)
	_ = os.Symlink(filepath.Base(dir), link)
}

// narrow applies the flags that change a scenario.
func narrow(s *scenario.Scenario, o runOptions) error {
	if s.Reference != "" && !slices.Contains(s.Variants, s.Reference) { // of variants that an engine was asked for
		return usageError("the reference %q is none of the variants of scenario %s, which are %s", s.Reference, s.Name, strings.Join(s.Variants, ", "))
	}
	for _, sel := range []struct {
		what   string
		only   []string
		values *[]string
	}{{"variant", o.variants, &s.Variants}, {"workload", o.workloads, &s.Workloads}} {
		for _, name := range sel.only {
			if !slices.Contains(*sel.values, name) {
				return usageError("scenario %s has no %s %q%s", s.Name, sel.what, name, scenario.Suggest(name, *sel.values))
			}
		}
		if len(sel.only) > 0 {
			*sel.values = sel.only
		}
	}
	if o.reference != "" {
		if !slices.Contains(s.Variants, o.reference) {
			return usageError("--reference %q is none of the variants to be measured, which are %s", o.reference, strings.Join(s.Variants, ", "))
		}
		s.Reference = o.reference
	}
	switch {
	case o.repetitions < 0:
		return usageError("--repetitions must be at least 1, not %d", o.repetitions)
	case o.repetitions > 0:
		// Of what the scenario has, counted or timed.
		if s.Repetitions > 0 {
			s.Repetitions = o.repetitions
		}
		if s.Timing != nil {
			t := *s.Timing
			t.Repetitions = o.repetitions
			s.Timing = &t
		}
	}
	if err := instrument(s, o); err != nil {
		return err
	}
	switch o.where {
	case "":
	case scenario.Auto, scenario.OnHost, scenario.InLab:
		s.Where = o.where
	default:
		return usageError("unknown place %q, known are auto, host, lab", o.where)
	}
	return nil
}

// instrument applies the flags that choose and set up the instruments.
func instrument(s *scenario.Scenario, o runOptions) (err error) {
	switch names := witnessNames(); {
	case o.collector == "":
	case o.collector == "all":
		s.Witnesses = names
	case o.collector == witnessBCC && !hasBCC():
		return usageError("this hapscope was built without bcc, which needs cgo and libbpfcc: `make hapscope-bcc` builds one with it")
	case o.collector == witnessBCC: // it observes a sample, which is no result
		s.Witnesses = []string{names[0], witnessBCC}
	case slices.Contains(names, o.collector):
		s.Witnesses = []string{o.collector}
	default:
		return usageError("unknown collector %q%s; known are %s, all", o.collector, scenario.Suggest(o.collector, names), strings.Join(names, ", "))
	}
	if o.converged != "" {
		if s.UntilConverged, err = parseShare(o.converged); err != nil {
			return usageError("--until-converged: %w", err)
		}
	}
	if o.traceBuffer != "" {
		if s.TraceBufferBytes, err = scenario.ParseSize(o.traceBuffer); err != nil {
			return usageError("--trace-buffer: %w", err)
		}
	}
	return nil
}

// parseShare reads 2% or 0.02.
func parseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(s, "%")
	share, err := strconv.ParseFloat(number, 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share > 0 && share < 1) {
		return 0, fmt.Errorf("%q is no share above 0 and below 1, such as 2%% or 0.02", s)
	}
	return share, nil
}
