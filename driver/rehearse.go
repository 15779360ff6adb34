package driver

import (
	"context"
	"slices"
	"time"

	"hapscope/record"
)

// rehearsalDeadline is that of one rehearsal: it is a help and must not hold up
// the run.
const rehearsalDeadline = time.Minute

// rehearse lets every workload live once, under the first variant that can run,
// before anything is armed, so that the page cache and the directory cache hold
// what sandboxes will ask for. (The tools are there since their digests were
// taken.) Otherwise the first repetition alone would enter the block layer, and
// whichever variant came first would seem to reach more of the kernel.
func (d *Driver) rehearse(ctx context.Context, plan record.Plan, steps []record.Step, infos map[string]record.VariantInfo, in *instruments) error {
	start := time.Now()
	fit := slices.IndexFunc(plan.Variants, func(v string) bool { return infos[v].Fit() })
	plan.Load.Requests, plan.Load.WarmUp, plan.Settle, plan.Idle = 1, 0, 0, 0
	plan.Deadline = min(plan.Deadline, rehearsalDeadline.Seconds())
	rehearsed := map[string]bool{}
	for _, s := range steps {
		if rehearsed[s.Workload] {
			continue
		}
		rehearsed[s.Workload] = true
		s.Variant, s.Repetition = plan.Variants[fit], 0
		result := d.step(ctx, plan, s, infos[s.Variant], in)
		if err := ctx.Err(); err != nil {
			return err
		}
		if result.Status == record.Failed {
			// The measured repetitions will show whether that was by chance.
			d.Log.Warn("rehearsal failed", "cell", s.Cell, "reason", result.Reason)
		}
	}
	d.Log.Info("rehearsed", "workloads", len(rehearsed), "seconds", seconds(start))
	return nil
}
