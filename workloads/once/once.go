// Package once gives a client library exactly one connection.
//
// Client libraries hide a lost connection by opening another. Here that would
// put a connection set-up into the measured phase, or hide that a sandboxed
// server has restarted: so a second connection is refused.
package once

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
)

// ErrSpent says that the one connection was handed out before.
var ErrSpent = errors.New("the connection was lost, and a second one is not wanted")

// Conn is one connection.
type Conn struct {
	conn net.Conn
	used atomic.Bool
}

// Dial connects by TCP, and tries once.
func Dial(ctx context.Context, address string) (*Conn, error) {
	// Keep-alive probes would fall into the measured phases at random.
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: false}, KeepAlive: -1}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &Conn{conn: c}, nil
}

// DialContext has the form that client libraries ask for.
func (c *Conn) DialContext(context.Context, string, string) (net.Conn, error) {
	if c.used.Swap(true) {
		return nil, ErrSpent
	}
	return c.conn, nil
}

// Until closes the connection when ctx ends, for libraries that wait for a
// reply without looking at it. Call stop after the reply.
func (c *Conn) Until(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { c.conn.Close() })
}

// Close closes the connection, handed out or not.
func (c *Conn) Close() error {
	if err := c.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
