package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hapscope/lab/image"
	"hapscope/lab/vm"
)

// labSession are the flags of the verbs that boot a machine and run one command.
type labSession struct {
	images labImages
	shares []string
	env    []string
}

func (l *labSession) flags(c *cobra.Command) {
	c.Flags().SetInterspersed(false) // the command's flags are its own
	l.images.flags(c)
	c.Flags().StringArrayVar(&l.shares, "share", nil, "directory to see at the same path, `DIR[:rw]` (may be repeated)")
	c.Flags().StringArrayVar(&l.env, "env", nil, "`K=V` for the command's environment (may be repeated)")
}

func labExecCommand(a *app) *cobra.Command {
	var session labSession
	c := &cobra.Command{
		Use:   "exec [flags] [--] COMMAND [ARGUMENT …]",
		Short: "run a command in a lab VM of its own",
		Long: `Boots a machine, runs the command as root in it and passes its exit code on.

The current directory, or the Go module around it, is seen in the machine at the
same path, read-only, and the command starts in the current directory. A command
that is a file of this machine has its directory seen there as well, and what a
test binary is told to write goes where go test expects it.`,
		Example: `  hapscope lab exec -- uname -a
  hapscope lab exec --share out:rw -- sh -c 'dmesg > out/dmesg'
  go test -tags lab -exec "hapscope lab exec --" ./collectors/...`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("%s needs a command; usage: %s", c.CommandPath(), c.UseLine())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return session.run(c.Context(), a, vm.Command{
				Args: args, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr,
			})
		},
	}
	session.flags(c)
	return c
}

// run boots a machine, runs the command in it and passes its exit code on.
func (l *labSession) run(ctx context.Context, a *app, command vm.Command) error {
	view, err := l.view(command.Args)
	if err != nil {
		return err
	}
	command.Dir = view.dir
	command.Env = append(command.Env, append(view.env, l.env...)...)
	set, err := image.Ensure(ctx, l.images.options(a))
	if err != nil {
		return labError("build the lab", err)
	}
	machine, err := vm.Boot(ctx, vm.Options{Images: set, Shares: view.shares, Progress: a.progress()})
	if err != nil {
		return err
	}
	code, err := machine.Run(ctx, command)
	if err := errors.Join(err, machine.Close()); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if code != 0 {
		return passThrough(code)
	}
	return nil
}

// view is what a machine sees of this one.
type view struct {
	shares []vm.Share
	dir    string // where the command starts
	env    []string
}

func (v *view) add(host string, writable bool) error {
	abs, err := filepath.Abs(host)
	if err != nil {
		return err
	}
	for i := range v.shares {
		if v.shares[i].Host == abs {
			v.shares[i].Writable = v.shares[i].Writable || writable
			return nil
		}
	}
	v.shares = append(v.shares, vm.Share{Host: abs, Guest: abs, Writable: writable})
	return nil
}

// view works out what the command sees: the directories that were asked for, the
// current one, the one of a command that is a file here, and those that a test
// binary writes to.
func (l *labSession) view(args []string) (*view, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	v := &view{dir: "/"}
	if around := moduleAround(dir); vm.CheckGuestPath(around) == nil {
		v.dir = dir
		if err := v.add(around, false); err != nil {
			return nil, err
		}
	}
	if len(args) > 0 && strings.Contains(args[0], "/") && isFile(args[0]) {
		if d := filepath.Dir(args[0]); vm.CheckGuestPath(d) == nil {
			if err := v.add(d, false); err != nil {
				return nil, err
			}
		}
	}
	outputs := testOutputs(args)
	if d := os.Getenv("GOCOVERDIR"); d != "" {
		outputs = append(outputs, d)
		v.env = append(v.env, "GOCOVERDIR="+d)
	}
	for _, d := range outputs {
		if err := v.add(d, true); err != nil {
			return nil, err
		}
	}
	for _, s := range l.shares {
		host, writable := strings.CutSuffix(s, ":rw")
		if info, err := os.Stat(host); err != nil || !info.IsDir() {
			return nil, usageError("--share %s: not a directory", host)
		}
		if err := v.add(host, writable); err != nil {
			return nil, err
		}
	}
	// A share within another one is mounted after it.
	slices.SortFunc(v.shares, func(a, b vm.Share) int { return strings.Compare(a.Guest, b.Guest) })
	return v, nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// moduleAround is the Go module that dir is in, so that a test finds the files
// of its neighbours; dir itself where there is none.
func moduleAround(dir string) string {
	for d := dir; d != "/"; d = filepath.Dir(d) {
		if isFile(filepath.Join(d, "go.mod")) {
			return d
		}
	}
	return dir
}

// testOutputs are the directories that go test tells a test binary to write to.
func testOutputs(args []string) (dirs []string) {
	for _, arg := range args {
		flag, value, ok := strings.Cut(arg, "=")
		if !ok || !filepath.IsAbs(value) {
			continue
		}
		switch flag {
		case "-test.gocoverdir", "-test.outputdir":
			dirs = append(dirs, value)
		case "-test.testlogfile", "-test.coverprofile", "-test.cpuprofile", "-test.memprofile",
			"-test.blockprofile", "-test.mutexprofile", "-test.trace":
			dirs = append(dirs, filepath.Dir(value))
		}
	}
	return dirs
}
