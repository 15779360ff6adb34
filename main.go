// Command hapscope measures how much of the host kernel a sandbox can reach.
package main

import (
	_ "embed"
	"os"

	"hapscope/internal/cli"
)

//go:embed scenarios.yaml
var scenarios []byte

func main() { os.Exit(cli.Main(os.Args[1:], scenarios, os.Stdin, os.Stdout, os.Stderr)) }
