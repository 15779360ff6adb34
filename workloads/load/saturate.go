package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hapscope/record"
	"hapscope/workloads"
)

// Saturate sends each request as soon as its connection has answered the one
// before. The client given is the first connection; others are made by
// Options.Dial, and closed again.
func Saturate(ctx context.Context, c workloads.Client, o Options) (record.LoadResult, error) {
	o = o.withDefaults()
	result := record.LoadResult{Mode: "saturating"}
	clients := []workloads.Client{c}
	for len(clients) < o.Connections {
		another, err := o.another(ctx)
		if err != nil {
			return result, fmt.Errorf("open connection %d of %d: %w", len(clients)+1, o.Connections, err)
		}
		defer another.Close()
		clients = append(clients, another)
	}

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next, sent, correct atomic.Int64
	var failure error
	var once sync.Once
	var workers sync.WaitGroup
	start := time.Now()
	for _, c := range clients {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= o.Requests {
					return
				}
				sent.Add(1)
				if err := o.one(ctx, c, i); err != nil {
					// The others fail because of this one; it is the one to report.
					once.Do(func() { failure = err })
					stop(err)
					return
				}
				correct.Add(1)
			}
		})
	}
	workers.Wait()
	result.Seconds = time.Since(start).Seconds()
	result.Requests, result.Correct = int(sent.Load()), int(correct.Load())
	if failure == nil && ctx.Err() != nil {
		failure = fmt.Errorf("after %d of %d requests: %w", result.Requests, o.Requests, context.Cause(ctx))
	}
	return result, failure
}

// another makes one more connection, as far as the first one is.
func (o Options) another(ctx context.Context) (workloads.Client, error) {
	if o.Dial == nil {
		return nil, fmt.Errorf("no way to dial was given")
	}
	c, err := o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	if p, ok := c.(workloads.Preparer); ok {
		if err := p.Prepare(ctx); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}
