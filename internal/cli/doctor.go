package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"hapscope/collectors/policy"
	"hapscope/driver/scenario"
	"hapscope/lab/image"
	"hapscope/lab/vm"
	"hapscope/record"
)

// imagesBuilt is the requirement that the lab is built.
const imagesBuilt = "lab images"

// guestScenarios is where the guest sees the directory of the scenarios file.
const guestScenarios = "/lab/scenarios"

// diagnosis is what doctor found; its JSON is what --json prints.
type diagnosis struct {
	Host fitness  `json:"host"`
	Lab  *fitness `json:"lab,omitempty"` // absent with --no-lab
	// Native is what can be timed on this machine; absent with --no-lab too, for it is
	// made of the lab's images.
	Native *fitness `json:"native,omitempty"`
}

// fitness is what a place needs, and what each variant needs there.
type fitness struct {
	Fit          bool                 `json:"fit"` // functions can be counted here, or cells timed, for at least one variant
	Requirements []record.Requirement `json:"requirements"`
	Variants     []record.VariantInfo `json:"variants,omitempty"` // absent where nobody could look
	// Collectors are the optional ones and what they need: the place is fit without.
	Collectors []collectorNeeds `json:"collectors,omitempty"`
	Facts      *record.Lab      `json:"facts,omitempty"`
}

// collectorNeeds is what a collector needs, and whether it is there.
type collectorNeeds struct {
	Name         string               `json:"name"`
	Requirements []record.Requirement `json:"requirements"`
}

func (f *fitness) decide() {
	f.Fit = false
	for _, v := range f.Variants {
		f.Fit = f.Fit || v.Fit()
	}
	f.Fit = f.Fit && len(record.Unmet(f.Requirements)) == 0
}

func doctorCommand(a *app) *cobra.Command {
	var asJSON, noLab bool
	var file, kernel string
	var engine engineOptions
	c := &cobra.Command{
		Use:   "doctor",
		Short: "show what can run here, what is missing, and what to do about it",
		Long: `Check this machine and the lab: what counting kernel functions needs, and what
each variant needs, with the remedy for everything that is missing. When the
lab's images are built, the lab is booted and looked at from inside.

Exit code 0 when the host or the lab is fit, 3 when neither is.`,
		Example: `  hapscope doctor
  hapscope doctor --no-lab
  hapscope doctor --no-lab --containerd-address /run/containerd/containerd.sock
  hapscope doctor --json | jq .lab.variants`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := a.loadScenarios(file)
			if err != nil {
				return err
			}
			if kernel == "" {
				kernel = f.Lab.Kernel
			}
			plan, err := engine.plan()
			if err != nil {
				return err
			}
			d := diagnosis{Host: diagnoseHost(c.Context(), plan, f.Unikernels)}
			if !noLab {
				d.Lab = a.diagnoseLab(c.Context(), a.imageOptions(f.Lab.Suite, kernel), f, file, plan.Engine)
			}
			if d.Lab != nil && slices.ContainsFunc(d.Lab.Requirements, func(r record.Requirement) bool { return r.Name == imagesBuilt && r.Met }) {
				d.Native = a.diagnoseNative(c.Context(), f.Lab.Suite, kernel)
			}
			if err := c.Context().Err(); err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(a.stdout)
				enc.SetIndent("", "  ")
				err = enc.Encode(d)
			} else {
				err = d.print(a.stdout)
			}
			if err == nil && !d.Host.Fit && (d.Lab == nil || !d.Lab.Fit) {
				err = d.unfit()
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&noLab, "no-lab", false, "look at this machine only")
	c.Flags().StringVar(&file, "scenarios", "", "scenarios file that describes the lab (default ./scenarios.yaml, else the built-in one)")
	engine.add(c.Flags())
	c.Flags().StringVar(&kernel, "lab-kernel", "", "Debian suite of the lab's kernel (default: the scenarios file's)")
	return c
}

// unfit says that nothing can be counted, as far as was looked.
func (d diagnosis) unfit() error {
	if d.Lab == nil {
		return unfitError(errors.New("this machine is not fit to count functions"), "the lab serves instead: `hapscope run` takes it by itself, and `hapscope doctor` looks at it, too")
	}
	return unfitError(errors.New("neither this machine nor the lab is fit to measure"), "")
}

func diagnoseHost(ctx context.Context, plan record.Plan, booted unikernels) fitness {
	f := fitness{Requirements: hostRequirements(ctx, witnessNames()[:1])}
	for _, r := range allRuntimes(withEngines(ctx, plan), hostRootfs()) {
		info := r.Check(ctx)
		info.Requirements = append(info.Requirements, booted.needs(r)...)
		f.Variants = append(f.Variants, info)
	}
	for _, c := range optionalCollectors() {
		f.Collectors = append(f.Collectors, collectorNeeds{c.Name(), without(c.Check(ctx), f.Requirements)})
	}
	f.Collectors = append(f.Collectors, collectorNeeds{policy.Name, without(policy.Check(ctx), f.Requirements)})
	f.decide()
	return f
}

// without leaves out what is asked for already.
func without(reqs, asked []record.Requirement) []record.Requirement {
	return slices.DeleteFunc(reqs, func(r record.Requirement) bool { return slices.Contains(asked, r) })
}

// diagnoseLab boots the lab, if it is built, and asks the same binary inside.
func (a *app) diagnoseLab(ctx context.Context, o image.Options, scenarios *scenario.File, file, engine string) *fitness {
	f := &fitness{Requirements: image.Requirements()}
	fail := func(name string, err error, remedy string) *fitness {
		f.Requirements = append(f.Requirements, record.Requirement{Name: name, Detail: err.Error(), Remedy: remedy})
		return f
	}
	// What Kata needs is built when a scenario asks for it, and looked at if it is there.
	o.Kata = true
	components, err := image.Status(o)
	if err == nil && slices.ContainsFunc(components, func(c image.ComponentStatus) bool { return c.Name == image.Kata && !c.Built }) {
		o.Kata = false
		components, err = image.Status(o)
	}
	if err != nil {
		return fail(imagesBuilt, err, "")
	}
	if slices.ContainsFunc(components, func(c image.ComponentStatus) bool { return !c.Built }) {
		return fail(imagesBuilt, errors.New("not built yet"), "`hapscope lab build` makes them; `hapscope run` does so by itself")
	}
	images, err := image.Ensure(ctx, o)
	if err != nil {
		return fail(imagesBuilt, err, "`hapscope lab clean --all`, then `hapscope lab build`")
	}
	f.Requirements = append(f.Requirements, record.Requirement{Name: imagesBuilt, Met: true, Detail: "built"})
	// Inside, the same unikernels are asked for.
	inside := []string{"hapscope", "doctor", "--json", "--no-lab"}
	shares := unikernels(scenarios.Unikernels).shares()
	if path, err := filepath.Abs(cmp.Or(file, defaultScenarios)); err == nil && shares != nil {
		shares = append(shares, vm.Share{Host: filepath.Dir(path), Guest: guestScenarios})
		inside = append(inside, "--scenarios", filepath.Join(guestScenarios, filepath.Base(path)))
	}
	machine, err := vm.Boot(ctx, vm.Options{
		Images: images, CPUs: scenarios.Lab.CPUs, MemoryMiB: int(scenarios.Lab.MemoryBytes >> 20), Shares: shares, Progress: a.progress(),
	})
	if err != nil {
		return fail("lab VM", err, "")
	}
	defer machine.Close()
	facts := machine.Facts()
	f.Facts = &facts
	var out bytes.Buffer
	// Exit code 3 comes with a full answer.
	if engine == scenario.Containerd { // never this machine's
		inside = append(inside, "--"+engineFlag, engine)
	}
	_, err = machine.Run(ctx, vm.Command{Args: inside, Stdout: &out, Stderr: io.Discard})
	var found diagnosis
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &found)
	}
	if err != nil {
		return fail("lab VM", err, "")
	}
	f.Requirements = append(f.Requirements, found.Host.Requirements...)
	f.Variants, f.Collectors = found.Host.Variants, found.Host.Collectors
	f.decide()
	return f
}

func (d diagnosis) print(w io.Writer) error {
	d.Host.print(w, "This machine", "count functions")
	if d.Native != nil {
		fmt.Fprintln(w)
		d.Native.print(w, "This machine with the lab's images", "time cells")
	}
	if d.Lab != nil {
		fmt.Fprintln(w)
		title := "The lab"
		if d.Lab.Facts != nil {
			title += fmt.Sprintf(" (%s: %s)", d.Lab.Facts.Accelerator, d.Lab.Facts.Why)
		}
		d.Lab.print(w, title, "count functions")
	}
	return nil
}

// why says in one line what a place that is not fit lacks.
func (f fitness) why() string {
	if unmet := record.Unmet(f.Requirements); len(unmet) > 0 {
		return record.DescribeUnmet(unmet)
	}
	return "it runs none of the variants, see below"
}

// print writes one table; use is what the place is fit for, or not.
func (f fitness) print(w io.Writer, title, use string) {
	verdict := "fit to " + use
	if !f.Fit {
		verdict = "not " + verdict + ": " + f.why()
	}
	fmt.Fprintf(w, "%s — %s\n", title, verdict)
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 4, WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}, {Number: 5, WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}})
	t.AppendHeader(table.Row{"for", "needs", "", "found", "what to do"})
	add := func(who string, reqs []record.Requirement) {
		for i, r := range reqs {
			if i > 0 {
				who = ""
			}
			mark, remedy := "yes", ""
			if !r.Met {
				mark, remedy = "NO", r.Remedy
			}
			t.AppendRow(table.Row{who, r.Name, mark, r.Detail, remedy})
		}
		t.AppendSeparator()
	}
	add("all", f.Requirements)
	for _, v := range f.Variants {
		add(v.Name, v.Requirements)
	}
	for _, c := range f.Collectors {
		add("collector "+c.Name, c.Requirements)
	}
	fmt.Fprintln(w, t.Render())
}
