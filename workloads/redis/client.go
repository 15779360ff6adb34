package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomodule/redigo/redis"

	"hapscope/workloads"
	"hapscope/workloads/once"
)

// client is one connection that sends what it is told and nothing else: no
// pool, no retries, no second connection, and no greeting. Redigo is taken
// because it has none of these; a client that says HELLO first doubles the
// requests that a sandbox serves when each has a connection of its own.
type client struct {
	hostport string
	conn     *once.Conn
	redis    redis.Conn
}

func dial(ctx context.Context, hostport string) (*client, error) {
	conn, err := once.Dial(ctx, hostport)
	if err != nil {
		return nil, err
	}
	raw, err := conn.DialContext(ctx, "", "")
	if err != nil {
		return nil, err
	}
	// No time-outs of the library's own: the context's deadline alone counts.
	return &client{hostport: hostport, conn: conn, redis: redis.NewConn(&bounded{Conn: raw}, 0, 0)}, nil
}

// do runs a command, which ends when ctx does, and returns the reply as text.
func (c *client) do(ctx context.Context, command string, args ...any) (string, error) {
	stop := c.conn.Until(ctx)
	defer stop()
	reply, err := redis.String(c.redis.Do(command, args...))
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return reply, err
}

// Reconnect implements workloads.Client.
func (c *client) Reconnect(ctx context.Context) error {
	if err := c.Close(); err != nil {
		return err
	}
	fresh, err := dial(ctx, c.hostport)
	if err != nil {
		return err
	}
	*c = *fresh
	return nil
}

// Close implements workloads.Client.
func (c *client) Close() error {
	c.redis.Close() // closes the connection, unless an error has done so
	return c.conn.Close()
}

// judge tells a right reply from a wrong one, and a wrong one from no reply.
func judge(request, want, got string, err error) error {
	var refused redis.Error
	switch {
	case errors.As(err, &refused):
		got = refused.Error()
	case errors.Is(err, redis.ErrNil):
		got = noSuchKey
	case err != nil:
		return fmt.Errorf("%s: %w", request, err)
	}
	if err == nil && got == want {
		return nil
	}
	return &workloads.WrongReply{Request: request, Want: fmt.Sprintf("%q", want), Got: fmt.Sprintf("%q", got)}
}

// noSuchKey is how messages write the reply to a GET of what is not there.
const noSuchKey = "no such key"
