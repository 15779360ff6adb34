package vhost

import (
	"fmt"

	"hapscope/collectors"
	"hapscope/record"
)

// kinds are those of vhost.bpf.c, in its order.
var kinds = [...]record.VhostEvent{record.VhostWork, record.VhostKick, record.VhostInterrupt}

// collect reads what was counted.
func (s *Session) collect() (o collectors.Observation, err error) {
	o.Vhost = map[record.VhostEvent]map[string]uint64{}
	var e vhostEvent
	var n uint64
	all := s.objects.Maps["counts"].Iterate()
	for all.Next(&e, &n) {
		if n == 0 || e.What >= uint64(len(kinds)) {
			return o, fmt.Errorf("the programs counted %d of a thing %d that there is not", n, e.What)
		}
		s.add(&o, kinds[e.What], s.table.Name(e.Function), n)
	}
	if err := all.Err(); err != nil {
		return o, err
	}
	o.Lost, err = s.lost()
	return o, err
}

// add adds a count to an observation.
func (s *Session) add(o *collectors.Observation, kind record.VhostEvent, function string, n uint64) {
	title := function
	if kind != record.VhostWork {
		queue, isKick := queueOf(function)
		if !isKick && kind == record.VhostKick {
			return // a tap has woken vhost up
		}
		title = queue
		if kind == record.VhostKick && queue == function {
			o.Unknown += n // what workers run for these kicks is not counted
		}
	}
	if o.Vhost[kind] == nil {
		o.Vhost[kind] = map[string]uint64{}
	}
	o.Vhost[kind][title] += n
	o.Events += n
}

// lost reads what found no room, by CPU; nil is none.
func (s *Session) lost() ([]uint64, error) {
	var all [512]uint64 // MAX_CPUS of vhost.bpf.c
	if err := s.objects.Variables["lost"].Get(&all); err != nil {
		return nil, err
	}
	last := -1
	for cpu, n := range all {
		if n > 0 {
			last = cpu
		}
	}
	if last < 0 {
		return nil, nil
	}
	return all[:last+1], nil
}

// reset forgets what was counted.
func (s *Session) reset() error {
	if err := s.objects.Variables["lost"].Set([512]uint64{}); err != nil {
		return err
	}
	var e vhostEvent
	for s.objects.Maps["counts"].NextKey(nil, &e) == nil {
		if err := s.objects.Maps["counts"].Delete(e); err != nil {
			return fmt.Errorf("clear the counts: %w", err)
		}
	}
	var thread uint32
	for s.objects.Maps["signalling"].NextKey(nil, &thread) == nil {
		if err := s.objects.Maps["signalling"].Delete(thread); err != nil {
			return fmt.Errorf("clear the queues that were to be signalled: %w", err)
		}
	}
	return nil
}
