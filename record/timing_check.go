package record

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// check tells whether a timing is sound by itself.
func (t *Timing) check() error {
	if t.Variant == "" || t.Workload == "" || t.Repetition < 1 {
		return errors.New("variant, workload and a repetition from 1 are needed")
	}
	if err := t.Status.check(t.Reason); err != nil {
		return err
	}
	if !slices.Contains(Places(), t.Place) {
		return fmt.Errorf("place %q is none of %v", t.Place, Places())
	}
	measured := t.StartUp != nil || t.Throughput != nil || t.Latency != nil || t.Memory != nil
	switch t.Status {
	case OK, Degraded:
		if !measured {
			return fmt.Errorf("status %s without a number", t.Status)
		}
	default:
		if measured {
			return fmt.Errorf("status %s with a number", t.Status)
		}
	}
	for what, err := range map[string]error{
		"seconds": positive(t.Seconds, true), "throughput": t.Throughput.check(), "latency": t.Latency.check(),
		"memory": t.Memory.check(), "calibration": t.Calibration.check(),
	} {
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if t.StartUp != nil {
		if err := positive(*t.StartUp, false); err != nil {
			return fmt.Errorf("start_up: %w", err)
		}
	}
	return nil
}

// positive refuses what is no amount.
func positive(v float64, zero bool) error {
	if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || v == 0 && !zero {
		return fmt.Errorf("%v is not positive", v)
	}
	return nil
}

func (t *Throughput) check() error {
	if t == nil {
		return nil
	}
	if t.Requests == 0 || t.Connections < 1 || t.Generator == "" {
		return fmt.Errorf("%d requests on %d connections by %q", t.Requests, t.Connections, t.Generator)
	}
	return errors.Join(positive(t.Seconds, false), positive(t.CPU, true), positive(t.GeneratorCPU, true))
}

func (l *Latency) check() error {
	if l == nil {
		return nil
	}
	if err := errors.Join(positive(l.Asked, false), positive(l.Kept, false), positive(l.Seconds, false)); err != nil {
		return err
	}
	var n uint64
	for i, b := range l.Histogram {
		if err := positive(b.Seconds, true); err != nil {
			return err
		}
		if b.Count == 0 || i > 0 && b.Seconds <= l.Histogram[i-1].Seconds {
			return fmt.Errorf("histogram[%d]: buckets must ascend, and none may be empty", i)
		}
		if n += b.Count; n < b.Count {
			return errors.New("histogram: more replies than can be counted")
		}
	}
	if n != l.Requests || n == 0 || l.Generator == "" {
		return fmt.Errorf("%d requests by %q, of which the histogram holds %d", l.Requests, l.Generator, n)
	}
	return nil
}

func (m *Memory) check() error {
	if m != nil && (m.Source == "" || m.Steady == 0 || m.Peak < m.Steady) {
		return fmt.Errorf("%d bytes at the end, at most %d, by %q", m.Steady, m.Peak, m.Source)
	}
	return nil
}

func (c *Calibration) check() error {
	if c == nil {
		return nil
	}
	if len(c.Seconds) == 0 {
		return errors.New("no loop")
	}
	for _, s := range c.Seconds {
		if err := positive(s, false); err != nil {
			return err
		}
	}
	return nil
}
