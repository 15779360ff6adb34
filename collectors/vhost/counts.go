package vhost

import (
	"fmt"

	"hapscope/collectors"
	"hapscope/record"
)

// kinds are those of vhost.bpf.c, in its order.
var kinds = [...]record.VhostEvent{record.VhostWork, record.VhostKick, record.VhostInterrupt}

// counts are those of vhost.bpf.c: by kind and function, the last of them all that are
// not in the table.
type counts [len(kinds)][maxFunctions + 1]uint64

// collect reads what was counted.
func (s *Session) collect() (o collectors.Observation, err error) {
	var c counts
	var stranger, lost uint64
	for name, to := range map[string]any{"counts": &c, "stranger": &stranger, "lost": &lost} {
		if err := s.objects.Variables[name].Get(to); err != nil {
			return o, fmt.Errorf("read %s: %w", name, err)
		}
	}
	o.Vhost = map[record.VhostEvent]map[string]uint64{}
	for k, kind := range kinds {
		for i, f := range s.functions {
			add(&o, kind, titleOf(kind, f), c[k][i])
		}
		if n := c[k][maxFunctions]; n > 0 {
			add(&o, kind, s.table.Name(stranger), n)
			o.Unknown += n
		}
	}
	if lost > 0 {
		o.Lost = []uint64{lost} // of any CPU
	}
	return o, nil
}

// titleOf is what an event is counted under; empty where it is none: a tap that wakes
// vhost up is no kick.
func titleOf(kind record.VhostEvent, f record.Function) string {
	if kind == record.VhostWork {
		return f.Name()
	}
	return queueOf(f)
}

func add(o *collectors.Observation, kind record.VhostEvent, title string, n uint64) {
	if title == "" || n == 0 {
		return
	}
	if o.Vhost[kind] == nil {
		o.Vhost[kind] = map[string]uint64{}
	}
	o.Vhost[kind][title] += n
	o.Events += n
}

// reset forgets what was counted.
func (s *Session) reset() error {
	for name, zero := range map[string]any{"counts": counts{}, "stranger": uint64(0), "lost": uint64(0)} {
		if err := s.objects.Variables[name].Set(zero); err != nil {
			return fmt.Errorf("clear %s: %w", name, err)
		}
	}
	return nil
}
