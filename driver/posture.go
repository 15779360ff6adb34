package driver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"hapscope/collectors"
	"hapscope/record"
)

// quiet is how long the sandbox is left alone after its policy was read: what was
// interrupted then goes back to sleep, and none of that falls into the teardown.
const quiet = time.Second

// readPosture reads what the kernel holds the sandbox to. It is done when all is
// observed but the teardown, because it interrupts every task; a policy that cannot be
// read takes nothing away from what was measured, and is said.
func (r *repetition) readPosture(ctx context.Context) error {
	if r.Policy == nil || r.result.Repetition == 0 { // 0 is the rehearsal
		return nil
	}
	held, err := r.Policy(ctx, r.sandbox.Cgroup())
	if err != nil {
		r.result.Warnings = append(r.result.Warnings, fmt.Sprintf("the policy was not read: %v", err))
		return ctx.Err()
	}
	if r.result.Postures, err = postures(held, r.runtime.Role); err != nil {
		return err
	}
	if !r.observes(record.Teardown) {
		return nil
	}
	return sleep(ctx, quiet)
}

// postures puts tasks together that are alike, in the order of their roles.
func postures(held []collectors.Held, user func(record.Thread) record.Role) (out []record.Posture, err error) {
	index := map[string]int{}
	for _, h := range held {
		role := roleOf(h.Thread, user)
		key, err := json.Marshal(h.Confinement)
		if err != nil {
			return nil, fmt.Errorf("compare policies: %w", err)
		}
		at, ok := index[string(role)+string(key)]
		if !ok {
			at = len(out)
			index[string(role)+string(key)] = at
			out = append(out, record.Posture{Role: role, Processes: []string{}, Confinement: h.Confinement})
		}
		p := &out[at]
		p.Threads++
		if h.Process != "" && !slices.Contains(p.Processes, h.Process) {
			p.Processes = append(p.Processes, h.Process)
		}
	}
	for _, p := range out {
		slices.Sort(p.Processes)
	}
	order := record.Roles()
	slices.SortStableFunc(out, func(a, b record.Posture) int {
		return slices.Index(order, a.Role) - slices.Index(order, b.Role)
	})
	return out, nil
}
