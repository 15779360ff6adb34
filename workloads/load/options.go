package load

import (
	"context"
	"fmt"
	"time"

	"hapscope/workloads"
)

// Options says how much load there is. The zero value is the load of the 2018
// measurements.
type Options struct {
	Requests int           // default 300
	Rate     float64       // per second, when paced; default 10
	Timeout  time.Duration // of each request; default 1 minute
	// PerConnection is after how many requests the client reconnects, so that
	// the server accepts and closes too; 0 keeps the one connection. The loops of
	// redis-cli and curl of 2018 had one request on each.
	PerConnection int
	// Connections is how many there are when saturating; default 1. Dial makes
	// those beyond the first.
	Connections int
	Dial        func(context.Context) (workloads.Client, error)
}

func (o Options) withDefaults() Options {
	if o.Requests == 0 {
		o.Requests = 300
	}
	if o.Rate == 0 {
		o.Rate = 10
	}
	if o.Timeout == 0 {
		// Under emulation a collector can make a request take seconds.
		o.Timeout = time.Minute
	}
	if o.Connections == 0 {
		o.Connections = 1
	}
	return o
}

// one sends request i.
func (o Options) one(ctx context.Context, c workloads.Client, i int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, fmt.Errorf("no answer within %v", o.Timeout))
	defer cancel()
	if o.PerConnection > 0 && i%o.PerConnection == 0 {
		if err := c.Reconnect(ctx); err != nil {
			return fmt.Errorf("connect for request %d of %d: %w", i+1, o.Requests, explain(ctx, err))
		}
	}
	if err := c.Do(ctx, i); err != nil {
		return fmt.Errorf("request %d of %d: %w", i+1, o.Requests, explain(ctx, err))
	}
	return nil
}

// explain adds the reason for which ctx has ended, where err does not say it.
func explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && cause != err {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}
