package redis

import (
	"context"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"hapscope/workloads/once"
)

// client is one connection that sends what it is told and nothing else: no
// pool, no retries, no second connection, no commands of the library's own
// after the HELLO with which it begins.
type client struct {
	hostport string
	conn     *once.Conn
	redis    *goredis.Client
}

func dial(ctx context.Context, hostport string) (*client, error) {
	c, err := connect(ctx, hostport)
	if err != nil {
		return nil, err
	}
	// The library connects with the first command. A PING of its own keeps
	// HELLO out of the first request that is measured.
	err = c.guard(ctx, func() error { return c.redis.Ping(ctx).Err() })
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("PING: %w", err)
	}
	return c, nil
}

// connect opens a connection on which the library has said nothing yet: its
// HELLO goes out with the first command.
func connect(ctx context.Context, hostport string) (*client, error) {
	conn, err := once.Dial(ctx, hostport)
	if err != nil {
		return nil, err
	}
	return &client{hostport: hostport, conn: conn, redis: goredis.NewClient(&goredis.Options{
		Addr:                     hostport,
		Dialer:                   conn.DialContext,
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		PoolSize:                 1,
		ConnMaxIdleTime:          -1,
		MaxRetries:               -1,
		DialerRetries:            1,
		ContextTimeoutEnabled:    true,
		ReadTimeout:              -1, // the context's deadline alone counts
		WriteTimeout:             -1,
	})}, nil
}

// Reconnect implements workloads.Client.
func (c *client) Reconnect(ctx context.Context) error {
	if err := c.Close(); err != nil {
		return err
	}
	fresh, err := connect(ctx, c.hostport)
	if err != nil {
		return err
	}
	*c = *fresh
	return nil
}

// guard runs a command, which ends when ctx does.
func (c *client) guard(ctx context.Context, command func() error) error {
	stop := c.conn.Until(ctx)
	defer stop()
	if err := command(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return nil
}

// Close implements workloads.Client.
func (c *client) Close() error {
	c.redis.Close()
	return c.conn.Close()
}
