package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hapscope/record"
	"hapscope/workloads"
)

// OpenConnections is how many requests of an open loop can be under way. When all
// wait for replies the next one goes out late, and the rate is not kept.
const OpenConnections = 64

// Open sends requests at a fixed rate, whether or not earlier ones were answered, and
// times each from the moment when it was due: a server that stalls makes every request
// late that falls into the stall, and not only the one that it was answering
// (coordinated omission). dial makes each connection.
func Open(ctx context.Context, dial func(context.Context) (workloads.Client, error), rate float64, d time.Duration) (record.Latency, error) {
	l := record.Latency{Asked: rate}
	o := Options{Requests: max(1, int(rate*d.Seconds())), Rate: rate, Dial: dial}.withDefaults()
	type request struct {
		number int
		due    time.Time
	}
	requests := make(chan request)
	latencies := NewLatencies()
	var lock sync.Mutex
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var clients []workloads.Client
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	for range min(OpenConnections, o.Requests) {
		c, err := o.another(ctx)
		if err != nil {
			return l, fmt.Errorf("open connection %d of %d: %w", len(clients)+1, OpenConnections, err)
		}
		clients = append(clients, c)
	}
	var workers sync.WaitGroup
	for _, c := range clients {
		workers.Go(func() {
			for r := range requests {
				err := o.one(ctx, c, r.number)
				took := time.Since(r.due)
				lock.Lock()
				latencies.Add(took)
				lock.Unlock()
				if err != nil {
					stop(err) // the first one is kept, and reported
					return
				}
			}
		})
	}
	var sent []time.Duration
	schedule := NewSchedule(rate)
	for i := range o.Requests {
		due := schedule.Wait(i)
		select {
		case requests <- request{i, due}:
			sent = append(sent, schedule.Since())
			continue
		case <-ctx.Done():
		}
		break
	}
	close(requests)
	workers.Wait()
	if ctx.Err() != nil {
		return l, context.Cause(ctx)
	}
	l.Kept = schedule.Kept(sent)
	l.Seconds = schedule.Since().Seconds()
	l.Requests, l.Histogram = latencies.Count(), latencies.Buckets()
	var errs []error
	for _, c := range clients {
		if v, ok := c.(workloads.Verifier); ok {
			errs = append(errs, v.Verify(ctx))
		}
	}
	return l, errors.Join(errs...)
}
