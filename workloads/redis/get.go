package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

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
	err := c.guard(ctx, func() error { return c.redis.MSet(ctx, pairs...).Err() })
	if err != nil {
		return fmt.Errorf("fill the keys: %w", err)
	}
	c.filled = true
	return nil
}

// Do implements workloads.Client.
func (c *getClient) Do(ctx context.Context, i int) error {
	var got string
	err := c.guard(ctx, func() (err error) {
		got, err = c.redis.Get(ctx, key(i)).Result()
		return err
	})
	if !c.filled {
		if errors.Is(err, goredis.Nil) {
			return nil
		}
		return judge("GET "+key(i), "no such key", got, err)
	}
	return judge("GET "+key(i), value(i%keys), got, err)
}
