package load

import (
	"context"
	"fmt"
	"time"

	"hapscope/record"
	"hapscope/workloads"
)

// Paced sends requests at a given rate. Each has its place in the schedule: a
// slow answer makes the next one late but none is left out, and those that are
// late go at once until the schedule is caught up with.
func Paced(ctx context.Context, c workloads.Client, o Options) (result record.LoadResult, err error) {
	o = o.withDefaults()
	result = record.LoadResult{Mode: "paced", Rate: o.Rate}
	start := time.Now()
	defer func() { result.Seconds = time.Since(start).Seconds() }()
	for i := range o.Requests {
		due := start.Add(time.Duration(float64(i) / o.Rate * float64(time.Second)))
		if err := waitUntil(ctx, due); err != nil {
			return result, fmt.Errorf("wait for request %d of %d: %w", i+1, o.Requests, err)
		}
		result.Requests++
		if err := o.one(ctx, c, i); err != nil {
			return result, err
		}
		result.Correct++
	}
	return result, nil
}

func waitUntil(ctx context.Context, due time.Time) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	d := time.Until(due)
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
