package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hapscope/lab/image"
	"hapscope/lab/vm"
)

func labExecCommand(a *app) *cobra.Command {
	var (
		images labImages
		shares []string
		env    []string
	)
	c := &cobra.Command{
		Use:   "exec [flags] [--] COMMAND [ARGUMENT …]",
		Short: "run a command in a lab VM of its own",
		Long: `Boots a machine, runs the command as root in it and passes its exit code on.

The current directory is seen in the machine at the same path, read-only, and is
the command's working directory. A command that is a file of this machine has its
directory seen there as well, so that test binaries run as they are.`,
		Example: `  hapscope lab exec -- uname -a
  hapscope lab exec --share out:rw -- sh -c 'dmesg > out/dmesg'
  go test -tags lab -exec "hapscope lab exec --" ./collectors/...`,
		Args: atLeast(1),
		RunE: func(c *cobra.Command, args []string) error {
			options, dir, err := execShares(args[0], shares)
			if err != nil {
				return err
			}
			set, err := image.Ensure(c.Context(), a.imageOptions(images.suite, images.kernel))
			if err != nil {
				return labError("build the lab", err)
			}
			machine, err := vm.Boot(c.Context(), vm.Options{Images: set, Shares: options, Progress: a.progress()})
			if err != nil {
				return err
			}
			defer machine.Close()
			code, err := machine.Run(c.Context(), vm.Command{
				Args: args, Env: env, Dir: dir, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr,
			})
			if err != nil {
				return fmt.Errorf("lab exec: %w", err)
			}
			if code != 0 {
				return passThrough(code)
			}
			return nil
		},
	}
	c.Flags().SetInterspersed(false) // the command's flags are its own
	images.flags(c)
	c.Flags().StringArrayVar(&shares, "share", nil, "directory to see at the same path, `DIR[:rw]` (may be repeated)")
	c.Flags().StringArrayVar(&env, "env", nil, "`K=V` for the command's environment (may be repeated)")
	return c
}

// execShares works out what the machine sees of this one, and where the command
// starts: the directories that were asked for, the current one, and the one of a
// command that is a file here.
func execShares(command string, asked []string) (shares []vm.Share, dir string, err error) {
	dir, err = os.Getwd()
	if err != nil {
		return nil, "", err
	}
	seen := map[string]int{}
	add := func(host string, writable bool) error {
		abs, err := filepath.Abs(host)
		if err != nil {
			return err
		}
		if i, ok := seen[abs]; ok {
			shares[i].Writable = shares[i].Writable || writable
			return nil
		}
		seen[abs] = len(shares)
		shares = append(shares, vm.Share{Host: abs, Guest: abs, Writable: writable})
		return nil
	}
	if err := add(dir, false); err != nil {
		return nil, "", err
	}
	if info, err := os.Stat(command); strings.Contains(command, "/") && err == nil && info.Mode().IsRegular() {
		if err := add(filepath.Dir(command), false); err != nil {
			return nil, "", err
		}
	}
	for _, s := range asked {
		host, writable := strings.CutSuffix(s, ":rw")
		if info, err := os.Stat(host); err != nil || !info.IsDir() {
			return nil, "", usageError("share %s: not a directory", host)
		}
		if err := add(host, writable); err != nil {
			return nil, "", err
		}
	}
	return shares, dir, nil
}
