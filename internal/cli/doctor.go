package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"hapscope/lab/image"
	"hapscope/lab/vm"
	"hapscope/record"
)

// diagnosis is what doctor found; its JSON is what --json prints.
type diagnosis struct {
	Host fitness  `json:"host"`
	Lab  *fitness `json:"lab,omitempty"` // absent with --no-lab
}

// fitness is what a place needs, and what each variant needs there.
type fitness struct {
	Fit          bool                 `json:"fit"` // functions can be counted here, for at least one variant
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
	c := &cobra.Command{
		Use:   "doctor",
		Short: "show what can run here, what is missing, and what to do about it",
		Long: `Check this machine and the lab: what counting kernel functions needs, and what
each variant needs, with the remedy for everything that is missing. When the
lab's images are built, the lab is booted and looked at from inside.

Exit code 0 when the host or the lab is fit, 3 when neither is.`,
		Example: `  hapscope doctor
  hapscope doctor --no-lab
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
			d := diagnosis{Host: diagnoseHost(c.Context())}
			if !noLab {
				d.Lab = a.diagnoseLab(c.Context(), a.imageOptions(f.Lab.Suite, kernel), f.Lab.CPUs, int(f.Lab.MemoryBytes>>20))
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
				err = unfitError(errors.New("neither this machine nor the lab is fit to measure"), "")
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&noLab, "no-lab", false, "look at this machine only")
	c.Flags().StringVar(&file, "scenarios", "", "scenarios file that describes the lab (default ./scenarios.yaml, else the built-in one)")
	c.Flags().StringVar(&kernel, "lab-kernel", "", "Debian suite of the lab's kernel (default: the scenarios file's)")
	return c
}

func diagnoseHost(ctx context.Context) fitness {
	f := fitness{Requirements: hostRequirements(ctx, witnessNames()[:1])}
	for _, r := range allRuntimes() {
		f.Variants = append(f.Variants, r.Check(ctx))
	}
	for _, c := range optionalCollectors() {
		f.Collectors = append(f.Collectors, collectorNeeds{c.Name(), without(c.Check(ctx), f.Requirements)})
	}
	f.decide()
	return f
}

// without leaves out what is asked for already.
func without(reqs, asked []record.Requirement) []record.Requirement {
	return slices.DeleteFunc(reqs, func(r record.Requirement) bool { return slices.Contains(asked, r) })
}

// diagnoseLab boots the lab, if it is built, and asks the same binary inside.
func (a *app) diagnoseLab(ctx context.Context, o image.Options, cpus, memoryMiB int) *fitness {
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
		return fail("lab images", err, "")
	}
	if slices.ContainsFunc(components, func(c image.ComponentStatus) bool { return !c.Built }) {
		return fail("lab images", errors.New("not built yet"), "`hapscope lab build` makes them; `hapscope run` does so by itself")
	}
	images, err := image.Ensure(ctx, o)
	if err != nil {
		return fail("lab images", err, "`hapscope lab clean --all`, then `hapscope lab build`")
	}
	f.Requirements = append(f.Requirements, record.Requirement{Name: "lab images", Met: true, Detail: "built"})
	machine, err := vm.Boot(ctx, vm.Options{Images: images, CPUs: cpus, MemoryMiB: memoryMiB, Progress: a.progress()})
	if err != nil {
		return fail("lab VM", err, "")
	}
	defer machine.Close()
	facts := machine.Facts()
	f.Facts = &facts
	var out bytes.Buffer
	// Exit code 3 comes with a full answer.
	_, err = machine.Run(ctx, vm.Command{Args: []string{"hapscope", "doctor", "--json", "--no-lab"}, Stdout: &out, Stderr: io.Discard})
	var inside diagnosis
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &inside)
	}
	if err != nil {
		return fail("lab VM", err, "")
	}
	f.Requirements = append(f.Requirements, inside.Host.Requirements...)
	f.Variants, f.Collectors = inside.Host.Variants, inside.Host.Collectors
	f.decide()
	return f
}

func (d diagnosis) print(w io.Writer) error {
	d.Host.print(w, "This machine")
	if d.Lab != nil {
		fmt.Fprintln(w)
		title := "The lab"
		if d.Lab.Facts != nil {
			title += fmt.Sprintf(" (%s: %s)", d.Lab.Facts.Accelerator, d.Lab.Facts.Why)
		}
		d.Lab.print(w, title)
	}
	return nil
}

func (f fitness) print(w io.Writer, title string) {
	verdict := "fit: functions can be counted here"
	if !f.Fit {
		verdict = "not fit to count functions"
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
	add("counting", f.Requirements)
	for _, v := range f.Variants {
		add(v.Name, v.Requirements)
	}
	for _, c := range f.Collectors {
		add("collector "+c.Name, c.Requirements)
	}
	fmt.Fprintln(w, t.Render())
}
