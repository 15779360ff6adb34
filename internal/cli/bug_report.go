package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hapscope/lab/image"
	"hapscope/record"
)

// logTail is how much of a run's log a bug report has, in bytes: its end.
const logTail = 4 << 20

func bugReportCommand(a *app) *cobra.Command {
	var out string
	var noDoctor bool
	c := &cobra.Command{
		Use:   "bugreport [DIR]",
		Short: "make one file to attach to a bug report",
		Long: `Write an archive (tar.gz) of what is known about this machine and, with DIR, about a
run: read it before you send it, it is text. It holds

  version.json       of hapscope, and what it was built for
  doctor.json        what doctor --json --no-lab says; --no-doctor leaves it out
  kernel.json        release, build id, configuration's digest, command line, CPU, mitigations
  lab.txt            which images the cache holds
  environment.txt    HAPSCOPE_… and a few variables of Go and of the language, by name
  run/run.json       the plan and what it ran on
  run/statuses.jsonl of each repetition status, reason, remedy, earlier attempts, warnings
  run/run.log        what the run said, with the end of the console of a lab that died
  run/files.txt      names and sizes of the files of the run directory

and it does not hold: other variables of the environment, numbers and functions that
were measured, contents of other files, the kernel's log, lists of processes. Your home
directory is written ~, the name of this machine HOST, other home directories /home/USER;
values of variables whose name speaks of a secret, and passwords in URLs, are blanked
wherever they stand. Names of images, runtimes and directories stay.`,
		Example: `  hapscope bugreport runs/last
  hapscope bugreport --out report.tar.gz
  tar xzOf hapscope-bugreport.tar.gz | less     read it before you send it`,
		Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			b := bugReport{hide: newRedactor(os.Environ())}
			b.machine(c.Context(), !noDoctor)
			if len(args) == 1 {
				if err := b.run(args[0]); err != nil {
					return err
				}
			}
			b.text("README", "What `hapscope bugreport` wrote, "+time.Now().UTC().Format(time.RFC3339)+".\n\n"+c.Long+"\n")
			if err := b.write(out); err != nil {
				return fmt.Errorf("write the bug report: %w", err)
			}
			for _, f := range b.files {
				fmt.Fprintf(a.text(), "%9d  %s\n", len(f.content), f.name)
			}
			fmt.Fprintf(a.text(), "%s: read it before you send it (tar xzOf FILE | less)\n", out)
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "hapscope-bugreport.tar.gz", "`FILE` to make, which must not be there")
	c.Flags().BoolVar(&noDoctor, "no-doctor", false, "do not look at what this machine can run")
	return c
}

// bugReport is what goes into the archive.
type bugReport struct {
	hide  *redactor
	files []namedText
}

type namedText struct{ name, content string }

// text adds a file.
func (b *bugReport) text(name, content string) {
	b.files = append(b.files, namedText{name, b.hide.text(content)})
}

// json adds a value, or why there is none: what is missing says more than nothing.
func (b *bugReport) json(name string, v any, err error) {
	var text []byte
	if err == nil {
		text, err = json.MarshalIndent(v, "", "  ")
	}
	if err != nil {
		b.text(name, fmt.Sprintf("not to be had: %v\n", err))
		return
	}
	b.text(name, string(text)+"\n")
}

// machine adds what does not depend on a run.
func (b *bugReport) machine(ctx context.Context, doctor bool) {
	b.json("version.json", struct {
		record.Build
		OS     string `json:"os"`
		Arch   string `json:"arch"`
		Record string `json:"record"`
		BCC    bool   `json:"bcc"` // built with that witness
		CPUs   int    `json:"cpus"`
		UID    int    `json:"uid"`
	}{build(), runtime.GOOS, runtime.GOARCH, record.SchemaVersion, hasBCC(), runtime.NumCPU(), os.Geteuid()}, nil)
	b.text("environment.txt", environment(os.Environ()))
	facts, err := describeMachine()
	b.json("kernel.json", facts, err)
	b.text("lab.txt", labFacts())
	if doctor {
		b.json("doctor.json", diagnosis{Host: diagnoseHost(ctx, record.Plan{}, nil)}, ctx.Err())
	}
}

// labFacts lists the images of the default lab, and others.
func labFacts() string {
	var t bytes.Buffer
	o := (&app{}).imageOptions("", "")
	for _, list := range []func(image.Options) ([]image.ComponentStatus, error){image.Status, image.Others} {
		components, err := list(o)
		if err != nil {
			fmt.Fprintf(&t, "not to be had: %v\n", err)
		}
		for _, c := range components {
			fmt.Fprintf(&t, "%-10s %s built %t in use %t, %d MiB, %s\n", c.Name, c.Key, c.Built, c.InUse, c.Bytes>>20, c.BuiltAt.UTC().Format(time.RFC3339))
		}
	}
	return t.String()
}

// run adds what a run directory holds. One that cannot be read whole is what bug reports
// are about: what there is of it is added, and what is wrong with it.
func (b *bugReport) run(dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return &codedError{code: exitUsage, err: fmt.Errorf("%s is not a run directory", dir), hint: "give the directory that `hapscope run` wrote, such as runs/last"}
	}
	for _, name := range []string{"run.json", record.LogFile} {
		content, err := record.ReadFile(dir, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			content = []byte("there is none\n")
		case err != nil:
			content = fmt.Appendf(nil, "not to be had: %v\n", err)
		case len(content) > logTail && name == record.LogFile:
			content = slices.Concat([]byte("… (its end)\n"), content[len(content)-logTail:])
		}
		b.text("run/"+name, string(content))
	}
	rec, err := record.Read(dir)
	if err != nil {
		b.text("run/problem.txt", err.Error()+"\n")
	} else {
		b.text("run/statuses.jsonl", statuses(rec))
	}
	b.text("run/files.txt", listing(dir))
	return nil
}

// status is what a bug report has of a repetition.
type status struct {
	record.Step
	Timed    bool          `json:"timed,omitempty"`
	Status   record.Status `json:"status"`
	Reason   string        `json:"reason,omitempty"`
	Remedy   string        `json:"remedy,omitempty"`
	Retried  []string      `json:"retried,omitempty"`
	Warnings []string      `json:"warnings,omitempty"`
	Started  time.Time     `json:"started"`
	Seconds  float64       `json:"seconds"`
}

func statuses(rec *record.Record) string {
	var b strings.Builder
	line := json.NewEncoder(&b)
	line.SetEscapeHTML(false)
	for _, r := range rec.Results {
		line.Encode(status{record.Step{Cell: r.Cell(), Repetition: r.Repetition}, false, r.Status, r.Reason, r.Remedy, r.Retried, r.Warnings, r.Started, r.Seconds})
	}
	for _, t := range rec.Timings {
		line.Encode(status{record.Step{Cell: t.Cell(), Repetition: t.Repetition}, true, t.Status, t.Reason, t.Remedy, t.Retried, t.Warnings, t.Started, t.Seconds})
	}
	for _, w := range rec.Warnings {
		fmt.Fprintf(&b, "the reader says: %s\n", w)
	}
	return b.String()
}

// listing names the files of a directory, with their kinds and sizes.
func listing(dir string) string {
	entries, err := os.ReadDir(dir)
	var b strings.Builder
	for _, e := range entries {
		if info, err := os.Lstat(filepath.Join(dir, e.Name())); err == nil {
			fmt.Fprintf(&b, "%s %12d  %s\n", info.Mode(), info.Size(), e.Name())
		}
	}
	if err != nil {
		fmt.Fprintf(&b, "%v\n", err)
	}
	return b.String()
}
