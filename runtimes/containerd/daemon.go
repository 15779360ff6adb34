package containerd

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hapscope/internal/command"
	"hapscope/runtimes"
	"hapscope/runtimes/file"
	"hapscope/runtimes/mount"
)

const (
	// daemonDir is that of a containerd of ours, below stateDir.
	daemonDir = "daemon"
	// startDeadline is for a containerd without anything to do; under emulation it
	// takes seconds.
	startDeadline = 2 * time.Minute
	// stopDeadline is how long it may take to end before it is killed.
	stopDeadline = 20 * time.Second
	// pollInterval is between two questions whether it is ready.
	pollInterval = 50 * time.Millisecond
)

// configText is its configuration: nothing outside of its directory is used, and what
// is not needed to run a task is left out.
//
//go:embed daemon.toml
var configText string

// daemon is a containerd of ours.
type daemon struct {
	dir     string
	address string
	cmd     *exec.Cmd
	ended   chan struct{} // closed then
}

// startDaemon starts one and waits until it answers.
func startDaemon(ctx context.Context, binary, dir string) (*daemon, error) {
	path, err := exec.LookPath(binary)
	if err != nil {
		return nil, err
	}
	d := &daemon{dir: dir, address: filepath.Join(dir, "containerd.sock"), ended: make(chan struct{})}
	if err := d.start(ctx, path); err != nil {
		err = fmt.Errorf("start %s: %w", path, err)
		if tail := file.Tail(d.log()); tail != "" {
			err = fmt.Errorf("%w; its last output:\n%s", err, tail)
		}
		return nil, errors.Join(runtimes.WithRemedy(err, "name a containerd that runs with --containerd-address"), d.stop())
	}
	return d, nil
}

func (d *daemon) config() string { return filepath.Join(d.dir, "config.toml") }
func (d *daemon) log() string    { return filepath.Join(d.dir, "log") }

func (d *daemon) start(ctx context.Context, path string) error {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	text := strings.NewReplacer("@DIR@", d.dir, "@ADDRESS@", d.address).Replace(configText)
	if err := os.WriteFile(d.config(), []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.Create(d.log())
	if err != nil {
		return err
	}
	defer log.Close()
	c := exec.Command(path, "--config", d.config())
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the terminal is hapscope's
	if err := c.Start(); err != nil {
		return err
	}
	d.cmd = c
	ended := command.Started(ctx, c)
	go func() {
		defer close(d.ended)
		c.Wait()
		ended()
	}()
	return d.await(ctx)
}

// await asks until it answers.
func (d *daemon) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startDeadline, fmt.Errorf("no answer after %v", startDeadline))
	defer cancel()
	for {
		if _, err := os.Stat(d.address); err == nil {
			c, err := dial(d.address)
			if err != nil {
				return err
			}
			_, err = c.version(ctx)
			c.conn.Close()
			if err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-d.ended:
			return fmt.Errorf("it has ended: %v", d.cmd.ProcessState)
		case <-time.After(pollInterval):
		}
	}
}

func (d *daemon) hasEnded() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// stop ends it, and removes its directory.
func (d *daemon) stop() error {
	if d.cmd != nil {
		d.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-d.ended:
		case <-time.After(stopDeadline):
			d.cmd.Process.Kill()
			<-d.ended
		}
	}
	_, err := removeDaemon(d.dir)
	return err
}

// removeDaemon removes its directory, and before that who still uses it: shims that were
// to clean up, and a containerd that a killed hapscope has left.
func removeDaemon(dir string) (killed []string, err error) {
	for {
		lines, err := killUsers(dir)
		killed = append(killed, lines...)
		if err != nil {
			return killed, err
		}
		if len(lines) == 0 { // the last ones have started nobody
			break
		}
	}
	if err := mount.RemoveBelow(dir); err != nil {
		return killed, err
	}
	return killed, os.RemoveAll(dir)
}

// killUsers kills the processes that were started with a path in a directory.
func killUsers(dir string) (killed []string, err error) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	for _, path := range lines {
		b, _ := os.ReadFile(path)
		name, rest, _ := bytes.Cut(b, []byte{0})
		if !bytes.Contains(rest, []byte(dir+"/")) {
			continue
		}
		var pid int
		fmt.Sscanf(path, "/proc/%d/", &pid)
		if e := kill(pid); e != nil {
			err = errors.Join(err, fmt.Errorf("kill %s, process %d: %w", name, pid, e))
			continue
		}
		killed = append(killed, fmt.Sprintf("%s, process %d", name, pid))
	}
	return killed, err
}

// kill kills a process that may be nobody's child of ours, and waits for its end.
func kill(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := p.Kill(); err != nil {
		if errors.Is(err, os.ErrProcessDone) {
			return nil
		}
		return err
	}
	for range int(stopDeadline / pollInterval) {
		if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(line) == 0 {
			return nil // nothing is left of it but, perhaps, its entry
		}
		time.Sleep(pollInterval)
	}
	return fmt.Errorf("no end after %v", stopDeadline)
}
