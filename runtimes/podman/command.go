package podman

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"hapscope/internal/command"
	"hapscope/runtimes"
	"hapscope/runtimes/container"
	"hapscope/runtimes/images"
)

// binary is looked up in PATH.
const binary = "podman"

const (
	// waitDelay is how long output is waited for after a command has ended.
	waitDelay = time.Second
	// answerDeadline is for a question that needs no work: under emulation Podman takes
	// seconds to begin.
	answerDeadline = 2 * time.Minute
)

// run runs a command of Podman's on the calling thread, and returns its standard output.
func run(ctx context.Context, input io.Reader, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(ctx, binary, append([]string{"--cgroup-manager=cgroupfs"}, args...)...)
	c.Stdin, c.Stdout, c.Stderr, c.WaitDelay = input, &stdout, &stderr, waitDelay
	// An interrupt at the terminal is ours to handle.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	logged := command.Log(ctx, c)
	err := c.Run()
	logged()
	if errors.Is(err, exec.ErrNotFound) {
		return "", runtimes.WithRemedy(err, "apt-get install podman")
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("%s: %w: %s", strings.Join(c.Args, " "), err, lastLine(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// aside runs a command on another thread: it is a question of ours, and not followed.
func aside(ctx context.Context, input io.Reader, args ...string) (string, error) {
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := run(ctx, input, args...)
		done <- answer{text, err}
	}()
	a := <-done
	return a.text, a.err
}

// lastLine is where Podman says what was wrong.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimPrefix(lines[len(lines)-1], "Error: ")
}

// ociRuntime asks Podman for a runtime, its default one where the name is "".
func ociRuntime(ctx context.Context, name string) (found struct{ Name, Path, Version string }, err error) {
	args := []string{"info", "--format", "{{json .Host.OCIRuntime}}"}
	if name != "" {
		args = append([]string{"--runtime", name}, args...)
	}
	text, err := aside(ctx, nil, args...)
	if err != nil {
		return found, err
	}
	return parseRuntime(text)
}

// parseRuntime reads what Podman says of a runtime.
func parseRuntime(text string) (found struct{ Name, Path, Version string }, err error) {
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return found, fmt.Errorf("podman info: %w", err)
	}
	found.Version, _, _ = strings.Cut(found.Version, "\n")
	return found, nil
}

// inspect asks how a container is.
func inspect(ctx context.Context, name string) (container.State, error) {
	text, err := aside(ctx, nil, "container", "inspect", name)
	if err != nil {
		return container.State{}, err
	}
	return parseInspect([]byte(text))
}

// parseInspect reads a list with one container.
func parseInspect(text []byte) (s container.State, err error) {
	var list []struct {
		State struct {
			Running  bool
			Pid      int
			ExitCode int
		}
		NetworkSettings struct {
			IPAddress string
			Networks  map[string]struct{ IPAddress string }
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return s, fmt.Errorf("podman inspect: %w", err)
	}
	if len(list) != 1 {
		return s, fmt.Errorf("podman inspect: %d containers, not one", len(list))
	}
	c := list[0]
	s = container.State{PID: c.State.Pid, Running: c.State.Running, ExitCode: c.State.ExitCode, Address: c.NetworkSettings.IPAddress}
	for _, n := range c.NetworkSettings.Networks {
		if s.Address == "" {
			s.Address = n.IPAddress
		}
	}
	return s, nil
}

// store is Podman as far as images go.
type store struct{}

var _ images.Store = store{}

// Image implements images.Store.
func (store) Image(ctx context.Context, reference string) (images.Image, bool, error) {
	if _, err := aside(ctx, nil, "image", "exists", reference); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 1 { // podman-image-exists(1)
			return images.Image{}, false, nil
		}
		return images.Image{}, false, err
	}
	text, err := aside(ctx, nil, "image", "inspect", reference)
	if err != nil {
		return images.Image{}, false, err
	}
	image, err := parseImage(text)
	if err != nil {
		return images.Image{}, false, fmt.Errorf("podman image inspect %s: %w", reference, err)
	}
	return image, true, nil
}

// parseImage reads a list with one image.
func parseImage(text string) (images.Image, error) {
	var list []struct {
		ID          string `json:"Id"`
		RepoDigests []string
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 {
		return images.Image{}, errors.Join(err, errors.New("not one image"))
	}
	return images.Image{ID: list[0].ID, Digests: list[0].RepoDigests}, nil
}

// Pull implements images.Store.
func (store) Pull(ctx context.Context, reference string) error {
	_, err := aside(ctx, nil, "pull", "--quiet", reference)
	return runtimes.WithRemedy(err, "correct the reference, or take the line out: the workload then runs from hapscope's own image")
}

// Load implements images.Store.
func (store) Load(ctx context.Context, archive io.Reader) error {
	_, err := aside(ctx, archive, "load", "--quiet")
	return err
}

// RemoveImage implements images.Store.
func (s store) RemoveImage(ctx context.Context, reference string) error {
	if _, ok, err := s.Image(ctx, reference); err != nil || !ok {
		return err
	}
	_, err := aside(ctx, nil, "rmi", reference)
	return err
}
