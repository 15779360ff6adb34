package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"hapscope/record"
)

// version is the release; the revision beside it comes from the build.
const version = "0.1.0-dev"

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version, the revision and the Go that built it",
		Args:  exactly(0),
		RunE: func(*cobra.Command, []string) error {
			b := build()
			line := "hapscope " + b.Version
			if b.Revision != "" {
				line += " (" + b.Revision + ")"
			}
			_, err := fmt.Fprintf(a.stdout, "%s, %s, record %s\n", line, b.Go, record.SchemaVersion)
			return err
		},
	}
}

// build identifies this binary.
func build() record.Build {
	b := record.Build{Version: version, Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	modified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if b.Revision != "" && modified {
		b.Revision += "-dirty"
	}
	return b
}
