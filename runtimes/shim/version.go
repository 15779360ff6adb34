package shim

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"hapscope/internal/command"
)

// version is what a shim says of itself.
type version struct {
	Number     string
	Generation int  // of Kata: 1, 2, 3 …
	Rust       bool // the shim, not the agent
}

func (v version) String() string {
	language := "Go"
	if v.Rust {
		language = "Rust"
	}
	return fmt.Sprintf("%s (Kata %d, shim in %s)", v.Number, v.Generation, language)
}

// askVersion runs a shim.
func askVersion(ctx context.Context, path string) (version, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, path, "--version")
	c.WaitDelay = time.Second
	defer command.Log(ctx, c)()
	out, err := c.CombinedOutput()
	if err != nil {
		return version{}, fmt.Errorf("%s --version: %w: %s", path, err, strings.TrimSpace(string(out)))
	}
	v, err := parseVersion(string(out))
	if err != nil {
		return version{}, fmt.Errorf("%s --version: %w", path, err)
	}
	return v, nil
}

// parseVersion reads `… containerd shim: id: "io.containerd.kata.v2", version: 1.13.0,
// commit: …`, or `containerd shim (Golang)` and `(Rust)` from Kata 3 on.
func parseVersion(out string) (version, error) {
	_, after, found := strings.Cut(out, "version: ")
	number, _, _ := strings.Cut(after, ",")
	number = strings.TrimSpace(number)
	major, _, _ := strings.Cut(number, ".")
	generation, err := strconv.Atoi(major)
	if !found || err != nil || generation < 1 {
		return version{}, fmt.Errorf("no version in %q", out)
	}
	return version{number, generation, strings.Contains(out, "shim (Rust)")}, nil
}
