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

	"hapscope/analysis"
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
	outputs     []string
	collector   string
	converged   string
	traceBuffer string
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
docs/record.md) and report.html, steady.png, steady.svg, results.csv and, where
threads were told apart, layers.png (the report).`,
		Example: `  hapscope run quick
  hapscope run full --out results/full
  hapscope run quick --variants runc,crun --workloads redis-set
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
	f.StringVar(&o.collector, "collector", "", "who counts functions: "+strings.Join(witnessNames(), ", ")+", or all, of which the first gives the result (default: the scenario's)")
	f.StringVar(&o.converged, "until-converged", "", "stop repeating a cell of whose functions at most this `SHARE` (2%) is unseen, by Chao1's estimate")
	f.StringVar(&o.traceBuffer, "trace-buffer", "", "`SIZE` of ftrace's ring buffer for each CPU, such as 128MiB (default: the scenario's)")
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
	var dir string
	if o.resume != "" {
		for _, flag := range []string{"out", "scenarios", "where", "lab-kernel", "variants", "workloads", "repetitions", "collector", "until-converged", "trace-buffer"} {
			if changed(flag) || len(args) > 0 {
				return usageError("--resume goes on with what %s holds: it takes neither a scenario nor --%s", o.resume, flag)
			}
		}
		dir = o.resume
	} else if dir, err = a.prepare(ctx, o, args); err != nil {
		return err
	}

	runErr := a.measure(ctx, dir)
	// Whatever happened, what is finished is reported.
	return a.conclude(dir, targets, runErr)
}

// prepare works the scenario out and makes the run directory.
func (a *app) prepare(ctx context.Context, o runOptions, args []string) (dir string, err error) {
	file, err := a.loadScenarios(o.scenarios)
	if err != nil {
		return "", err
	}
	name := "quick"
	if len(args) == 1 {
		name = args[0]
	}
	s, err := file.Find(name)
	if err != nil {
		return "", &codedError{code: exitUsage, err: err, hint: "`hapscope list` shows them"}
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
	place, err := a.choosePlace(ctx, s.Where, s.Witnesses)
	if err != nil {
		return "", err
	}
	run := record.Run{
		Schema: record.SchemaVersion, ID: now.UTC().Format("20060102T150405Z") + "-" + s.Name,
		Created: now.UTC(), Hapscope: build(), Plan: driver.NewPlan(s), Where: place.where, Why: place.why,
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
	switch {
	case o.repetitions < 0:
		return usageError("--repetitions must be at least 1, not %d", o.repetitions)
	case o.repetitions > 0:
		s.Repetitions = o.repetitions
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

// conclude writes the reports of what there is and decides the exit code.
func (a *app) conclude(dir string, targets []output, runErr error) error {
	rec, err := a.readRecord(dir)
	if err != nil {
		return errors.Join(runErr, err)
	}
	done, planned := len(rec.Results), len(rec.Run.Plan.Steps)
	resume := fmt.Sprintf("`hapscope run --resume %s` goes on", dir)
	if errors.Is(runErr, context.Canceled) {
		runErr = interrupted{}
	}
	if done == 0 {
		if runErr == nil {
			runErr = errors.New("nothing was measured")
		}
		return a.ended(runErr, resume)
	}
	report := analysis.New(rec)
	files := []output{{"html", "report.html"}, {"png", "steady.png"}, {"svg", "steady.svg"}, {"csv", "results.csv"}}
	if len(report.LayersOf()) > 0 {
		files = append(files, output{"layers-png", "layers.png"})
	}
	for _, o := range files {
		targets = append(targets, output{o.format, filepath.Join(dir, o.path)})
	}
	if err := a.render(report, targets); err != nil {
		return errors.Join(runErr, err)
	}
	fmt.Fprintf(a.progress(), "\nreport   %s\nfigure   %s\nrecord   %s\n", filepath.Join(dir, "report.html"), filepath.Join(dir, "steady.png"), dir)

	if runErr != nil {
		return a.ended(fmt.Errorf("%d of %d repetitions are done; %w", done, planned, runErr), resume)
	}
	return incomplete(report)
}

// ended gives the error of a run that stopped early its exit code and hint.
func (a *app) ended(err error, resume string) error {
	var coded *codedError
	switch {
	case errors.Is(err, context.Canceled):
		return &codedError{code: exitInterrupted, err: err, hint: resume}
	case errors.As(err, &coded) && coded.code == exitIncomplete:
		return &codedError{code: exitIncomplete, err: err, hint: resume}
	}
	return err
}

// incomplete is the error of a finished run in which not every cell has a number
// that can be trusted.
func incomplete(r *analysis.Report) error {
	count := map[record.Status]int{}
	for _, c := range r.Cells {
		for status, n := range c.Counts {
			count[status] += n
		}
	}
	var parts []string
	for _, s := range []record.Status{record.Degraded, record.Failed, record.Skipped, analysis.Missing} {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return incompleteError(fmt.Errorf("incomplete: of %d repetitions, %s", len(r.Run.Plan.Steps), strings.Join(parts, ", ")),
		"the reasons stand in the report, below the table")
}
