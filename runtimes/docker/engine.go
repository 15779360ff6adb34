package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hapscope/runtimes"
	"hapscope/runtimes/container"
	"hapscope/runtimes/docker/daemon"
	"hapscope/runtimes/images"
)

const (
	// Prefix begins the names of variants.
	Prefix = "docker-"
	// stateDir holds the address of the daemon while one is used, for the next hapscope.
	stateDir    = "/run/hapscope/docker"
	addressFile = "address"
)

// Options say which daemon, and what runs in its containers.
type Options struct {
	Address string // of the daemon's socket; default daemon.DefaultAddress
	Images  images.Options
}

// Engine is one daemon, for all of its runtimes.
type Engine struct {
	options Options
	daemon  *daemon.Daemon
	err     error // of an address that is none
	shared  *container.Provision
}

// NewEngine returns an engine. It asks nobody anything.
func NewEngine(o Options) *Engine {
	if o.Address == "" {
		o.Address = daemon.DefaultAddress
	}
	d, err := daemon.Dial(o.Address)
	return &Engine{options: o, daemon: d, err: err, shared: &container.Provision{
		Images: images.New(d, o.Images), Dir: stateDir, Note: map[string]string{addressFile: o.Address},
	}}
}

// shimTypes begins the names that a daemon adds by itself for the shims under its own
// runtimes: the same under another name. They can be named, and are not listed.
const shimTypes = "io.containerd."

// Variants asks the daemon for its runtimes: each is a variant.
func (e *Engine) Variants(ctx context.Context) (names []string, err error) {
	d, err := e.dial()
	if err != nil {
		return nil, err
	}
	info, err := d.Info(ctx)
	for _, name := range info.Names() {
		if !strings.HasPrefix(name, shimTypes) {
			names = append(names, Prefix+name)
		}
	}
	return names, err
}

// dial returns the connection, which is made when something is asked.
func (e *Engine) dial() (*daemon.Daemon, error) { return e.daemon, e.err }

// prepare gives the daemon the images. Several variants share one daemon.
func (e *Engine) prepare(ctx context.Context) (done func() error, err error) {
	if e.err != nil {
		return nil, e.err
	}
	return e.shared.Prepare(ctx)
}

// Sweep removes containers that a killed hapscope has left with this daemon. One that is
// not there has none.
func (e *Engine) Sweep(ctx context.Context) (removed []string, err error) {
	d, err := e.dial()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(e.options.Address); err != nil {
		return nil, nil
	}
	info, err := d.Info(ctx)
	if err != nil {
		return nil, nil // Check says why
	}
	names, err := d.Labelled(ctx, container.Label)
	for _, id := range slices.Sorted(maps.Keys(names)) {
		if e := d.Remove(ctx, id); e != nil {
			err = errors.Join(err, e)
			continue
		}
		removed = append(removed, "container "+names[id]+" of docker at "+e.options.Address)
	}
	more, failed := sweepSlices(ctx, info)
	return append(removed, more...), errors.Join(err, failed)
}

// Sweep removes what a killed hapscope has left with the daemon that it noted.
func Sweep(ctx context.Context) ([]string, error) {
	address, err := os.ReadFile(filepath.Join(stateDir, addressFile))
	if err != nil {
		return nil, nil
	}
	e := NewEngine(Options{Address: string(address)})
	removed, err := e.Sweep(ctx)
	if err != nil {
		return removed, runtimes.WithRemedy(fmt.Errorf("sweep docker: %w", err), "docker rm -f $(docker ps -aq --filter label="+container.Label+")")
	}
	// The image was a killed run's, and the next one that needs it brings it again.
	return removed, os.RemoveAll(stateDir)
}
