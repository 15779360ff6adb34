package containerd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hapscope/internal/command"
	"hapscope/record"
	"hapscope/runtimes/file"
)

// 1.6 is the oldest that is known to take a shim by its path, and Debian 12's.
const (
	oldestMajor = 1
	oldestMinor = 6
)

// versionDeadline is for one answer, or for one program that prints a line.
const versionDeadline = 30 * time.Second

// number is how a version begins, wherever in a line: v1.7.24, 1.7.24~ds1, 2.2.3.
var number = regexp.MustCompile(`\bv?(\d+)\.(\d+)\.\d\S*`)

// tool identifies the containerd that is used: the one that runs, or the one that would
// be started.
func (e *Engine) tool(ctx context.Context) (t record.Tool, err error) {
	ctx, cancel := context.WithTimeout(ctx, versionDeadline)
	defer cancel()
	t.Name = "containerd"
	program := ""
	if e.options.Address != "" {
		t.Version, t.Path, program, err = askDaemon(ctx, e.options.Address)
	} else {
		t.Version, t.Path, err = askProgram(ctx, e.options.Binary)
		program = t.Path
	}
	if err != nil || program == "" {
		return t, err
	}
	if t.SHA256, err = file.Digest(program); err != nil {
		return t, fmt.Errorf("digest %s: %w", t.Path, err)
	}
	return t, nil
}

// askDaemon asks one that runs. Where its process can be seen, its program is, too, at
// a path and through a link that outlives a replaced file.
func askDaemon(ctx context.Context, address string) (version, path, program string, err error) {
	pid, err := peer(address)
	if err != nil {
		return "", "", "", err
	}
	c, err := dial(address)
	if err != nil {
		return "", "", "", err
	}
	defer c.conn.Close()
	if version, err = c.version(ctx); err != nil {
		return "", "", "", err
	}
	link := "/proc/" + strconv.Itoa(pid) + "/exe"
	if path, err = os.Readlink(link); err != nil {
		return version, address, "", nil // in another pid namespace
	}
	return version, strings.TrimSuffix(path, " (deleted)"), link, nil
}

// askProgram asks one that would be started. It prints its package, its version and
// its commit.
func askProgram(ctx context.Context, binary string) (version, path string, err error) {
	if path, err = exec.LookPath(binary); err != nil {
		return "", "", err
	}
	c := exec.CommandContext(ctx, path, "--version")
	c.WaitDelay = time.Second
	defer command.Log(ctx, c)()
	out, err := c.CombinedOutput()
	if err != nil {
		return "", path, fmt.Errorf("%s --version: %w: %s", path, err, strings.TrimSpace(string(out)))
	}
	if version = number.FindString(string(out)); version == "" {
		return "", path, fmt.Errorf("%s --version: no version in %q", path, out)
	}
	return version, path, nil
}

// oldEnough reports why a version is too old. What is no number is somebody's own
// build, and of today.
func oldEnough(version string) error {
	m := number.FindStringSubmatch(version)
	if m == nil {
		return nil
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	if major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		return fmt.Errorf("%s takes no shim by its path", version)
	}
	return nil
}
