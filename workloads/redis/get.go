package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomodule/redigo/redis"

	"hapscope/workloads"
)

// getClient reads. Before Prepare the right answer is that there is no such
// key: so the first request, which ends the phase boot, needs no filled server.
type getClient struct {
	*client
	filled bool
}

var _ workloads.Preparer = (*getClient)(nil)

// Prepare implements workloads.Preparer.
func (c *getClient) Prepare(ctx context.Context) error {
	var pairs []any
	for i := range keys {
		pairs = append(pairs, key(i), value(i))
	}
	if _, err := c.do(ctx, "MSET", pairs...); err != nil {
		return fmt.Errorf("fill the keys: %w", err)
	}
	c.filled = true
	return nil
}

// Do implements workloads.Client.
func (c *getClient) Do(ctx context.Context, i int) error {
	got, err := c.do(ctx, "GET", key(i))
	if !c.filled {
		if errors.Is(err, redis.ErrNil) {
			return nil
		}
		return judge("GET "+key(i), noSuchKey, got, err)
	}
	return judge("GET "+key(i), value(i%keys), got, err)
}
