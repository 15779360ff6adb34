package driver

import (
	"context"
	"fmt"

	"hapscope/workloads/load"
)

const (
	// warmUpParts is how often, in the plan's number of requests, the threads are
	// looked at.
	warmUpParts = 4
	// warmUpBound is how many times the plan's number of requests may be sent.
	warmUpBound = 6
)

// warmUp sends requests until as many as the plan asks for have gone by in which
// the sandbox has started no thread. A fixed number would not do: the runtime of
// a sentry starts its threads when it finds itself short of them, late on a slow
// machine, and one clone in the steady phase brings about a hundred functions.
func (r *repetition) warmUp(ctx context.Context) error {
	want := r.plan.Load.WarmUp
	if want == 0 {
		return nil
	}
	seen := map[int]bool{}
	if _, err := r.newThreads(seen); err != nil {
		return err
	}
	for calm := 0; calm < want; {
		if r.result.WarmUp >= warmUpBound*want {
			r.result.Warnings = append(r.result.Warnings, fmt.Sprintf(
				"the sandbox was still starting threads after %d requests to warm up", r.result.WarmUp))
			return nil
		}
		part := min(max(1, want/warmUpParts), want-calm)
		if _, err := load.Paced(ctx, r.client, r.load(part)); err != nil {
			return err
		}
		r.result.WarmUp += part
		calm += part
		started, err := r.newThreads(seen)
		if err != nil {
			return err
		}
		if started > 0 {
			calm = 0
		}
	}
	return nil
}

// newThreads adds the sandbox's threads to seen and returns how many were not
// there.
func (r *repetition) newThreads(seen map[int]bool) (n int, err error) {
	tids, err := r.Threads(r.sandbox.Cgroup())
	if err != nil {
		return 0, fmt.Errorf("look at the sandbox's threads: %w", err)
	}
	for _, tid := range tids {
		if !seen[tid] {
			seen[tid] = true
			n++
		}
	}
	return n, nil
}
