package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"hapscope/analysis"
	"hapscope/collectors"
	"hapscope/collectors/ftrace"
	"hapscope/collectors/selftest"
	"hapscope/driver"
	"hapscope/driver/scenario"
	"hapscope/lab/image"
	"hapscope/lab/vm"
	"hapscope/lab/wire"
	"hapscope/record"
)

// selfTestReport is what selftest prints with --json.
type selfTestReport struct {
	Passed bool           `json:"passed"`
	Where  string         `json:"where"`
	Why    string         `json:"why"`
	Checks []record.Check `json:"checks"`
	Error  string         `json:"error,omitempty"` // why questions were left unasked
}

// agreementFloor is the similarity from which on two witnesses are said to agree.
const agreementFloor = 0.99

// lossyBufferKiB is a ring buffer that must overflow.
const lossyBufferKiB = 8

func selfTestCommand(a *app) *cobra.Command {
	var asJSON bool
	var where, kernel, file string
	c := &cobra.Command{
		Use:   "selftest",
		Short: "show that the instruments count right",
		Long: `Ask every instrument questions whose answers are known: does it count exactly
10,000 getppid, 5,000 pread64, 20 forks and their children that live for 1 ms? Does
a noisy neighbour change that? Is a process counted from its start? Are losses
reported? And do all witnesses see the same functions of a sandbox under runc and
under gVisor?

Each run asks the first of these by itself, before it measures. Exit code 0 when
everything was answered right, 3 when not.`,
		Example: `  hapscope selftest
  hapscope selftest --lab-kernel bookworm
  hapscope selftest --json | jq '.checks[] | select(.passed | not)'`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := a.loadScenarios(file)
			if err != nil {
				return err
			}
			if kernel != "" {
				f.Lab.Kernel = kernel
			}
			if !slices.Contains([]string{scenario.Auto, scenario.OnHost, scenario.InLab}, where) {
				return usageError("unknown place %q, known are auto, host, lab", where)
			}
			place, err := a.choosePlace(c.Context(), where, witnessNames()[:1])
			if err != nil {
				return err
			}
			r := selfTestReport{Where: place.where, Why: place.why}
			if place.where == scenario.OnHost {
				r.Checks, err = a.selfTest(c.Context(), hostRootfs())
			} else {
				r.Checks, err = a.selfTestInLab(c.Context(), f.Lab)
			}
			if err := c.Context().Err(); err != nil {
				return err
			}
			return r.conclude(a.stdout, asJSON, err)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&where, "where", scenario.Auto, "auto, host or lab")
	c.Flags().StringVar(&file, "scenarios", "", "scenarios file that describes the lab (default ./scenarios.yaml, else the built-in one)")
	c.Flags().StringVar(&kernel, "lab-kernel", "", "Debian suite of the lab's kernel (default: the scenarios file's)")
	return c
}

// conclude prints the answers and gives the exit code.
func (r *selfTestReport) conclude(w io.Writer, asJSON bool, err error) error {
	var failed []string
	for _, c := range r.Checks {
		if !c.Passed {
			failed = append(failed, c.Witness+": "+c.Name)
		}
	}
	r.Passed = err == nil && len(failed) == 0 && len(r.Checks) > 0
	if err != nil {
		r.Error = err.Error()
	}
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(w, "%s: %s\n\n%s\n", r.Where, r.Why, r.table())
	}
	switch {
	case err != nil:
		return fmt.Errorf("the self-test did not come to its end: %w", err)
	case !r.Passed:
		return unfitError(fmt.Errorf("the self-test failed: %s", strings.Join(failed, "; ")), "")
	}
	return nil
}

func (r *selfTestReport) table() string {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	t.SetStyle(style)
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 4, WidthMax: 70, WidthMaxEnforcer: text.WrapSoft}})
	for _, c := range r.Checks {
		t.AppendRow(table.Row{map[bool]string{true: "passed", false: "FAILED"}[c.Passed], c.Witness, c.Name, c.Detail})
	}
	return t.Render()
}

// selfTestInLab has the same binary tested inside.
func (a *app) selfTestInLab(ctx context.Context, lab scenario.Lab) ([]record.Check, error) {
	images, err := image.Ensure(ctx, a.imageOptions(lab.Suite, lab.Kernel))
	if err != nil {
		return nil, labError("build the lab", err)
	}
	machine, err := vm.Boot(ctx, vm.Options{Images: images, CPUs: lab.CPUs, MemoryMiB: int(lab.MemoryBytes >> 20), Progress: a.progress()})
	if err != nil {
		return nil, fmt.Errorf("boot the lab: %w", err)
	}
	defer machine.Close()
	slack := time.Duration(0)
	if machine.Facts().Accelerator == vm.TCG {
		slack = lab.TimerSlack
	}
	var out bytes.Buffer
	code, err := machine.Run(ctx, vm.Command{
		Args: []string{"hapscope", "guest", "selftest", "--timer-slack", slack.String()}, Stdout: &out, Stderr: a.stderr,
	})
	var answer struct {
		Checks []record.Check
		Error  string
	}
	if e := json.Unmarshal(out.Bytes(), &answer); e != nil {
		return nil, errors.Join(err, fmt.Errorf("the lab's answer, exit code %d: %w", code, e))
	}
	if answer.Error != "" {
		err = errors.Join(err, errors.New(answer.Error))
	}
	return answer.Checks, err
}

// selfTest asks everything on the machine that this process runs on.
func (a *app) selfTest(ctx context.Context, rootfs string) (checks []record.Check, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	witnesses := allWitnesses(0)
	// A kernel that cannot have a witness is no failure of it: the answer says so.
	fit := slices.DeleteFunc(slices.Clone(witnesses), func(c collectors.Collector) bool { return len(record.Unmet(c.Check(ctx))) > 0 })
	report := func(c record.Check) {
		fmt.Fprintf(a.progress(), "%s %s: %s\n", map[bool]string{true: "passed", false: "FAILED"}[c.Passed], c.Witness, c.Name)
	}
	checks, err = selftest.Run(ctx, selftest.Options{
		Collectors: append(slices.Clone(fit), otherCollectors()...),
		Lossy:      ftrace.New(ftrace.Options{BufferKiB: lossyBufferKiB, Poll: time.Hour}),
		Exercise:   []string{self, "guest", "exercise"},
		Report:     report,
	})
	if err != nil || len(fit) < 2 {
		return checks, err
	}
	more, err := a.agreement(ctx, rootfs, fit)
	for _, c := range more {
		report(c)
	}
	return append(checks, more...), err
}

// agreement measures a sandbox of runc and one of gVisor with all witnesses at
// once, and compares what they saw.
func (a *app) agreement(ctx context.Context, rootfs string, witnesses []collectors.Collector) (checks []record.Check, err error) {
	dir, err := os.MkdirTemp("", "hapscope-selftest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s := scenario.Scenario{
		Name: "selftest", Variants: []string{"runc", "gvisor-systrap"}, Workloads: []string{"redis-set"}, Repetitions: 2,
		Settle: time.Second, Deadline: 5 * time.Minute, Seed: 1,
		Load: record.Load{Mode: scenario.Paced, Requests: 100, Rate: 300, WarmUp: 200, RequestsPerConnection: 10},
	}
	for _, w := range witnesses {
		s.Witnesses = append(s.Witnesses, w.Name())
	}
	plan := driver.NewPlan(s)
	plan.LifecycleRepetitions = 0
	run := record.Run{
		Schema: record.SchemaVersion, ID: "selftest", Created: time.Now().UTC(), Hapscope: build(), Plan: plan, Where: scenario.OnHost, Why: "a self-test",
		Lab: &record.Lab{TimerSlack: a.timerSlack.Seconds()},
	}
	dir = filepath.Join(dir, "run")
	w, err := record.NewWriter(dir, run)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if err := a.drive(ctx, w, &run, nil, rootfs); err != nil {
		return nil, err
	}
	rec, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	report := analysis.New(rec)
	for _, g := range report.Agreements() {
		c := record.Check{Name: "the same functions of " + g.Cell.String(), Witness: g.A + ", " + g.B, Passed: g.Worst >= agreementFloor}
		c.Detail = fmt.Sprintf("Jaccard %.4f over %d repetitions, at worst %.4f", g.Jaccard(), g.N, g.Worst)
		for _, s := range dissents(report, g.Dissent) {
			c.Detail += "; " + s
		}
		checks = append(checks, c)
	}
	if len(checks) == 0 {
		return nil, fmt.Errorf("no cell was measured: %s", report.Coverage())
	}
	return checks, nil
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

// guestSelfTestCommand is selftest inside the lab.
func guestSelfTestCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:  "selftest",
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			checks, err := a.selfTest(c.Context(), wire.RootfsDir)
			answer := struct {
				Checks []record.Check
				Error  string
			}{Checks: checks}
			if err != nil {
				answer.Error = err.Error()
			}
			return json.NewEncoder(a.stdout).Encode(answer)
		},
	}
	c.Flags().DurationVar(&a.timerSlack, "timer-slack", 0, "")
	return c
}
