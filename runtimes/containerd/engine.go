package containerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"hapscope/record"
	"hapscope/runtimes/shim"
)

// stateDir holds what an engine needs while sandboxes are made, at one place because
// one hapscope measures at a time, and for the next one to find.
const stateDir = "/run/hapscope/containerd"

// Options says which containerd. The zero value is the default.
type Options struct {
	Address string // socket of a containerd that runs; default: one is started
	Binary  string // to start; default: containerd, in PATH
}

// Engine starts and asks shims through containerd.
type Engine struct {
	options Options

	mu     sync.Mutex
	users  int     // of what follows, which is there while there are some
	daemon *daemon // nil where it is the user's
	client *client
	relay  *relay
}

var _ shim.Engine = (*Engine)(nil)

// New returns an engine.
func New(o Options) *Engine {
	if o.Binary == "" {
		o.Binary = "containerd"
	}
	o.Address = strings.TrimPrefix(o.Address, "unix://")
	return &Engine{options: o}
}

// Name implements shim.Engine.
func (e *Engine) Name() string { return "containerd" }

// Prepare implements shim.Engine.
func (e *Engine) Prepare(ctx context.Context) (done func() error, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.users == 0 {
		if err := e.open(ctx); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	e.users++
	return sync.OnceValue(func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.users--; e.users != 0 {
			return nil
		}
		return e.close()
	}), nil
}

func (e *Engine) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return fmt.Errorf("make the directory of the stand-ins: %w", err)
	}
	address := e.options.Address
	if address == "" {
		if e.daemon, err = startDaemon(ctx, e.options.Binary, filepath.Join(stateDir, daemonDir)); err != nil {
			return err
		}
		address = e.daemon.address
	}
	// For the next hapscope, should this one be killed.
	if err := os.WriteFile(filepath.Join(stateDir, addressFile), []byte(address), 0o600); err != nil {
		return err
	}
	if e.client, err = dial(address); err != nil {
		return err
	}
	if e.daemon == nil {
		// Of a hapscope that was killed, and whose containerd was away when the next came.
		if _, err := sweepContainers(ctx, address); err != nil {
			return err
		}
	}
	e.relay, err = listen(stateDir)
	return err
}

// ready returns what a task needs. A containerd of ours that has ended is replaced: by
// another thread, because tracers may follow this one.
func (e *Engine) ready(ctx context.Context) (*client, *relay, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.users == 0 {
		return nil, nil, errors.New("the engine is not prepared")
	}
	if e.daemon == nil || !e.daemon.hasEnded() {
		return e.client, e.relay, nil
	}
	done := make(chan error)
	go func() { done <- errors.Join(e.close(), e.open(ctx)) }()
	if err := <-done; err != nil {
		e.users = 0
		return nil, nil, errors.Join(err, e.close())
	}
	return e.client, e.relay, nil
}

// close undoes open, as far as that came.
func (e *Engine) close() error {
	var errs []error
	if e.client != nil {
		if e.daemon == nil {
			errs = append(errs, e.client.removeNamespace())
		}
		errs = append(errs, e.client.conn.Close())
	}
	if e.relay != nil {
		errs = append(errs, e.relay.close())
	}
	if e.daemon != nil {
		errs = append(errs, e.daemon.stop())
	}
	e.client, e.relay, e.daemon = nil, nil, nil
	return errors.Join(append(errs, os.RemoveAll(stateDir))...)
}

// Check implements shim.Engine.
func (e *Engine) Check(ctx context.Context) []record.Requirement {
	q := record.Requirement{Name: "containerd", Remedy: "apt-get install containerd, or name the socket of one that runs with --containerd-address"}
	t, err := e.tool(ctx)
	if e.options.Address != "" {
		q.Name = "containerd at " + e.options.Address
		q.Remedy = "start it (systemctl start containerd), correct the address, or let hapscope start one (--engine containerd without an address)"
	}
	if errors.Is(err, os.ErrPermission) {
		q.Remedy = "run as root"
	}
	if err == nil {
		err = oldEnough(t.Version)
		if err != nil {
			q.Remedy = fmt.Sprintf("install containerd %d.%d or later", oldestMajor, oldestMinor)
		}
	}
	if err != nil {
		q.Detail = err.Error()
		return []record.Requirement{q}
	}
	q.Met, q.Remedy, q.Detail = true, "", strings.TrimSpace(t.Path+" "+t.Version)
	return []record.Requirement{q}
}

// Tools implements shim.Engine.
func (e *Engine) Tools(ctx context.Context) ([]record.Tool, error) {
	t, err := e.tool(ctx)
	if err != nil {
		return nil, err
	}
	return []record.Tool{t}, nil
}
