// Package daemon is all that hapscope asks of a Docker daemon. Nothing else imports
// Docker's client, whose module is at its last version (v28.5.2): whoever replaces it
// replaces this package.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"

	"hapscope/runtimes"
)

// DefaultAddress is the daemon's socket where nobody says otherwise.
const DefaultAddress = "/var/run/docker.sock"

// oldestAPI is that of Docker 20.10: the first that says which version of cgroups it
// uses.
const (
	oldestAPI    = "1.41"
	oldestDocker = "20.10"
)

// answerDeadline is for a question that needs no work.
const answerDeadline = 30 * time.Second

// Daemon is a connection to one.
type Daemon struct {
	address string
	client  *client.Client
}

// Info is what a daemon says of itself.
type Info struct {
	Version      string
	Runtimes     map[string]Runtime
	CgroupDriver string // cgroupfs, systemd or none
	CgroupV2     bool
	Rootless     bool
}

// Runtime is one that a daemon has registered.
type Runtime struct {
	Path string // of its program; "" for a shim that is named by its type
	Type string // of the shim; "" for a program that is called as runc is
	Args []string
}

// Names lists the runtimes, sorted.
func (i Info) Names() (names []string) {
	for name := range i.Runtimes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Dial sets a connection up to the daemon at a socket. It connects when something is
// asked, and then agrees on a version of the API.
func Dial(address string) (*Daemon, error) {
	c, err := client.NewClientWithOpts(client.WithHost("unix://"+address), client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("docker at %s: %w", address, err)
	}
	return &Daemon{address, c}, nil
}

// Close ends the connection.
func (d *Daemon) Close() error { return d.client.Close() }

// Info asks the daemon what it is. The error's remedy says what to do about a daemon that
// cannot be reached or is too old.
func (d *Daemon) Info(ctx context.Context) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	if err := reachable(d.address); err != nil {
		return Info{}, err
	}
	ping, err := d.client.Ping(ctx)
	if err != nil {
		return Info{}, d.explain("ask for its version", err)
	}
	// One that says none speaks 1.24 or less.
	if ping.APIVersion == "" || versions.LessThan(ping.APIVersion, oldestAPI) {
		return Info{}, runtimes.WithRemedy(
			fmt.Errorf("docker at %s speaks version %q of its API, and hapscope needs %s or later", d.address, ping.APIVersion, oldestAPI),
			"install Docker "+oldestDocker+" or later")
	}
	found, err := d.client.Info(ctx)
	if err != nil {
		return Info{}, d.explain("ask for its runtimes", err)
	}
	i := Info{Version: found.ServerVersion, CgroupDriver: found.CgroupDriver, CgroupV2: found.CgroupVersion == "2", Runtimes: map[string]Runtime{}}
	for name, r := range found.Runtimes {
		i.Runtimes[name] = Runtime{Path: r.Path, Type: r.Type, Args: r.Args}
	}
	i.Rootless = slices.Contains(found.SecurityOptions, "name=rootless")
	return i, nil
}

// reachable says in plainer words than the client why nobody answers.
func reachable(address string) error {
	conn, err := net.DialTimeout("unix", address, answerDeadline)
	if err == nil {
		return conn.Close()
	}
	remedy := "start it (systemctl start docker), or name the socket of the one that runs with --docker-address"
	if errors.Is(err, os.ErrPermission) {
		remedy = "run as root"
	}
	return runtimes.WithRemedy(fmt.Errorf("no Docker daemon answers at %s: %w", address, err), remedy)
}

// explain says what failed, and what the daemon said.
func (d *Daemon) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	if client.IsErrConnectionFailed(err) {
		return runtimes.WithRemedy(fmt.Errorf("%s: docker at %s has gone: %w", what, d.address, err), "see the daemon's log (journalctl -u docker, where systemd runs it)")
	}
	text := strings.TrimPrefix(err.Error(), "Error response from daemon: ")
	return fmt.Errorf("%s: docker at %s: %w", what, d.address, &answer{text, err})
}

// answer is an error in the daemon's own words.
type answer struct {
	text string
	err  error
}

func (a *answer) Error() string { return a.text }
func (a *answer) Unwrap() error { return a.err }

// missing reports whether the daemon does not have what it was asked for.
func missing(err error) bool { return cerrdefs.IsNotFound(err) }
