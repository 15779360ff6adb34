package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
	"hapscope/collectors/ftrace"
	"hapscope/collectors/selftest"
	"hapscope/driver/scenario"
	"hapscope/internal/kernel/kvmguest"
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
	// Unasked says for each witness that was not asked why.
	Unasked map[string]string `json:"unasked,omitempty"`
	Error   string            `json:"error,omitempty"` // why questions were left unasked
}

// kvmDeadline is for a guest of a few instructions.
const kvmDeadline = 20 * time.Second

// lossyBufferKiB is a ring buffer that must overflow.
const lossyBufferKiB = 8

func selfTestCommand(a *app) *cobra.Command {
	var asJSON bool
	var where, kernel, file string
	var asked selfTestSelection
	c := &cobra.Command{
		Use:   "selftest",
		Short: "show that the instruments count right",
		Long: `Ask every instrument questions whose answers are known: does it count exactly
10,000 getppid, 5,000 pread64, 20 forks and their children that live for 1 ms? Does
a noisy neighbour change that? Is a process counted from its start? Are losses
reported? Are the hypercalls and exits of a small virtual machine counted exactly,
and vhost's work for a network device? And do all witnesses see the same functions
of a sandbox under runc and under gVisor? Where they do not, the witness bcc is
asked for a verdict, if this hapscope was built with it or a hapscope-bcc lies
beside it (make hapscope-bcc).

All of it takes a quarter of an hour where the lab is emulated: --only, --collector,
--variants and --repetitions leave the rest out. Each run asks the first of these by itself, before it
measures. Exit code 0 when everything was answered right, 3 when not.`,
		Example: `  hapscope selftest
  hapscope selftest --collector bcc --variants runc
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
			if err := asked.check(); err != nil {
				return err
			}
			place, err := a.choosePlace(c.Context(), scenario.Scenario{Where: where, Repetitions: 1, Witnesses: witnessNames()[:1]})
			if err != nil {
				return err
			}
			if place.where == scenario.OnHost && hostRootfs() == "" {
				return a.againMounted(c.Context())
			}
			r := selfTestReport{Where: place.where, Why: place.why}
			bcc := hasBCC()
			if place.where == scenario.OnHost {
				err = a.selfTest(c.Context(), hostRootfs(), asked, &r)
			} else {
				var program program
				if program, err = labProgram(true); err != nil {
					return err
				}
				bcc = program.bcc()
				err = a.selfTestInLab(c.Context(), f.Lab, program, asked, &r)
			}
			if !bcc && asked.collector(witnessBCC) {
				r.unasked(witnessBCC, "this hapscope was built without it, and in the lab there was no "+bccProgram+" beside it either: make "+bccProgram)
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
	asked.flags(c)
	return c
}

// unasked notes why a witness was not asked.
func (r *selfTestReport) unasked(witness, why string) {
	if r.Unasked == nil {
		r.Unasked = map[string]string{}
	}
	r.Unasked[witness] = why
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
		for _, witness := range slices.Sorted(maps.Keys(r.Unasked)) {
			fmt.Fprintf(w, "\n%s was not asked: %s\n", witness, r.Unasked[witness])
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("the self-test did not come to its end: %w", err)
	case len(r.Checks) == 0:
		return unfitError(errors.New("the self-test could ask nothing of what it was to ask"), "")
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

// selfTestInLab has a program tested inside.
func (a *app) selfTestInLab(ctx context.Context, lab scenario.Lab, p program, asked selfTestSelection, r *selfTestReport) error {
	images, err := image.Ensure(ctx, p.images(a.imageOptions(lab.Suite, lab.Kernel)))
	if err != nil {
		return labError("build the lab", err)
	}
	machine, err := vm.Boot(ctx, p.options(vm.Options{Images: images, CPUs: lab.CPUs, MemoryMiB: int(lab.MemoryBytes >> 20), Progress: a.progress()}))
	if err != nil {
		return fmt.Errorf("boot the lab: %w", err)
	}
	defer machine.Close()
	slack := time.Duration(0)
	if machine.Facts().Accelerator == vm.TCG {
		slack = lab.TimerSlack
	}
	var out bytes.Buffer
	code, err := machine.Run(ctx, vm.Command{
		Args: append([]string{p.path, "guest", "selftest", "--timer-slack", slack.String()}, asked.args()...), Stdout: &out, Stderr: a.stderr,
	})
	var answer selfTestReport
	if e := json.Unmarshal(out.Bytes(), &answer); e != nil {
		return errors.Join(err, fmt.Errorf("the lab's answer, exit code %d: %w", code, e))
	}
	r.Checks, r.Unasked = answer.Checks, answer.Unasked
	if answer.Error != "" {
		err = errors.Join(err, errors.New(answer.Error))
	}
	return err
}

// selfTest asks on the machine that this process runs on.
func (a *app) selfTest(ctx context.Context, rootfs string, asked selfTestSelection, r *selfTestReport) error {
	// A kernel that cannot have a witness is no failure of it: the answer says so.
	var fit []collectors.Collector
	var names []string
	for i, c := range allWitnesses(record.Plan{}) {
		// The first one's sets are the result of a run, so that the others are compared
		// with it.
		if i > 0 && !asked.collector(c.Name()) {
			continue
		}
		if unmet := record.Unmet(c.Check(ctx)); len(unmet) > 0 {
			r.unasked(c.Name(), record.DescribeUnmet(unmet))
			continue
		}
		fit, names = append(fit, c), append(names, c.Name())
	}
	if len(fit) == 0 {
		return errors.New("this kernel can have no witness")
	}
	report := func(c record.Check) {
		fmt.Fprintf(a.progress(), "%s %s: %s\n", map[bool]string{true: "passed", false: "FAILED"}[c.Passed], c.Witness, c.Name)
	}
	var seen []string
	if asked.part(selfTestCounting) {
		answers, err := selfTestOf(ctx, fit, asked, report, r)
		r.Checks = answers.Checks
		if err != nil {
			return err
		}
		seen = answers.Seen
	}
	if !asked.part(selfTestAgreement) {
		return nil
	}
	more, err := a.agreement(ctx, rootfs, asked, names, seen)
	for _, c := range more {
		report(c)
	}
	r.Checks = append(r.Checks, more...)
	return err
}

// machineOf is what a collector of what virtual machines do is asked.
func machineOf(ctx context.Context, c collectors.Collector) (m selftest.Machine, err error) {
	m.Collector = c
	switch c.Name() {
	case "kvm":
		if err := probeKVM(ctx); err != nil {
			return m, fmt.Errorf("no guest runs here: %w", err)
		}
		m.Exercise = exercise.Machine()
	case "vhost":
		for _, device := range []string{"/dev/vhost-net", "/dev/net/tun"} {
			if _, err := os.Stat(device); err != nil {
				return m, fmt.Errorf("no device can be made here: %w", err)
			}
		}
		m.Exercise = exercise.Network()
	}
	return m, nil
}

// selfTestOf asks whether instruments count right what is known.
func selfTestOf(ctx context.Context, witnesses []collectors.Collector, asked selfTestSelection, report func(record.Check), r *selfTestReport) (selftest.Answers, error) {
	self, err := os.Executable()
	if err != nil {
		return selftest.Answers{}, err
	}
	o := selftest.Options{Exercise: []string{self, "guest", "exercise"}, Report: report}
	for _, c := range slices.Concat(witnesses, otherCollectors()) {
		if asked.collector(c.Name()) {
			o.Collectors = append(o.Collectors, c)
		}
	}
	if lossy := ftrace.New(ftrace.Options{BufferKiB: lossyBufferKiB, Poll: time.Hour}); asked.collector(lossy.Name()) {
		o.Lossy = lossy
	}
	optional, unfit := fitCollectors(ctx)
	for _, c := range optional {
		if !asked.collector(c.Name()) {
			continue
		}
		m, err := machineOf(ctx, c)
		if err != nil {
			unfit[c.Name()] = err.Error()
			continue
		}
		o.Machines = append(o.Machines, m)
	}
	for name, why := range unfit {
		if asked.collector(name) {
			r.unasked(name, why)
		}
	}
	return selftest.Run(ctx, o)
}

// probeKVM reports why virtual machines cannot be asked about here.
func probeKVM(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, kvmDeadline, fmt.Errorf("no end within %v", kvmDeadline))
	defer cancel()
	return kvmguest.Probe(ctx)
}

// guestSelfTestCommand is selftest inside the lab.
func guestSelfTestCommand(a *app) *cobra.Command {
	var asked selfTestSelection
	c := &cobra.Command{
		Use:  "selftest",
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			var answer selfTestReport
			if err := a.selfTest(c.Context(), wire.RootfsDir, asked, &answer); err != nil {
				answer.Error = err.Error()
			}
			return json.NewEncoder(a.stdout).Encode(answer)
		},
	}
	c.Flags().DurationVar(&a.timerSlack, "timer-slack", 0, "")
	asked.flags(c)
	return c
}
