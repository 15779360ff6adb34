package driver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hapscope/collectors"
	"hapscope/record"
)

// instruments are the collectors of a run, used as one.
type instruments struct {
	launcher *launcher
	witness  collectors.Witness
	sessions []collectors.Session // the witness first; none before arm
	index    []int                // of the witness's universe in the run's function table
}

// newInstruments returns those of a rehearsal: there is a launcher, and nothing
// observes what it starts.
func newInstruments(slack time.Duration) (*instruments, error) {
	launcher, err := newLauncher(slack)
	if err != nil {
		return nil, err
	}
	return &instruments{launcher: launcher}, nil
}

// arm opens sessions; the first collector's must be a collectors.Witness. What
// was opened when it fails is closed by close.
func (in *instruments) arm(ctx context.Context, all []collectors.Collector) error {
	for i, c := range all {
		s, err := c.Open(ctx)
		if err != nil {
			return fmt.Errorf("arm collector %s: %w", c.Name(), err)
		}
		in.sessions = append(in.sessions, s)
		if i > 0 {
			continue
		}
		witness, ok := s.(collectors.Witness)
		if !ok {
			return fmt.Errorf("collector %s does not observe kernel functions", c.Name())
		}
		in.witness = witness
	}
	return nil
}

// describe writes the machine and its functions into the record.
func (d *Driver) describe(in *instruments) (*record.Machine, error) {
	m, err := d.Describe()
	if err != nil {
		return nil, fmt.Errorf("describe the machine: %w", err)
	}
	universe := in.witness.Universe()
	m.Traceable, m.Untraceable = len(universe), in.witness.Untraceable()
	if in.index, err = d.Writer.Functions(m.BuildID, universe); err != nil {
		return nil, fmt.Errorf("write the function table: %w", err)
	}
	return m, d.Writer.UpdateRun(func(r *record.Run) { r.Machine = m })
}

// follow makes all sessions follow what the launcher starts.
func (in *instruments) follow() error {
	return in.each(func(s collectors.Session) error { return s.Follow(in.launcher.tid) })
}

func (in *instruments) forget() error {
	return in.each(collectors.Session.Forget)
}

// seed adds the threads of a cgroup that escaped the following of forks and
// returns how many the witness had to add.
func (in *instruments) seed(cgroup string) (added int, err error) {
	for i, s := range in.sessions {
		n, err := s.Seed(collectors.Target{Cgroup: cgroup})
		if err != nil {
			return 0, fmt.Errorf("follow the threads of %s: %w", cgroup, err)
		}
		if i == 0 {
			added = n
		}
	}
	return added, nil
}

func (in *instruments) close() error {
	in.launcher.close()
	return in.each(collectors.Session.Close)
}

// each calls f for every session, even after one has failed.
func (in *instruments) each(f func(collectors.Session) error) error {
	var errs []error
	for _, s := range in.sessions {
		errs = append(errs, f(s))
	}
	return errors.Join(errs...)
}

// observe runs f while all sessions observe, and fills p with what they saw. It
// stops them whatever f returns; ctx bounds the decoding only.
func (in *instruments) observe(ctx context.Context, p *record.PhaseResult, f func() error) error {
	err := in.each(collectors.Session.Begin)
	if err == nil {
		err = f()
	}
	for _, s := range in.sessions {
		o, endErr := s.End(ctx)
		if endErr != nil {
			err = errors.Join(err, fmt.Errorf("read what was collected: %w", endErr))
			continue
		}
		in.merge(p, o)
	}
	return err
}

func (in *instruments) merge(p *record.PhaseResult, o collectors.Observation) {
	p.Events += o.Events
	p.Unknown += o.Unknown
	p.Own += o.Own
	for cpu, n := range o.Lost {
		for len(p.Lost) <= cpu {
			p.Lost = append(p.Lost, 0)
		}
		p.Lost[cpu] += n
	}
	for context, hits := range o.Functions {
		if p.Functions == nil {
			p.Functions = map[record.Context][]record.Hit{}
		}
		p.Functions[context] = in.translate(hits)
	}
	if o.Syscalls != nil {
		if p.Syscalls == nil {
			p.Syscalls = map[string]uint64{}
		}
		maps.Copy(p.Syscalls, o.Syscalls)
	}
}

// translate turns the witness's function numbers into those of the run's table.
func (in *instruments) translate(hits []record.Hit) []record.Hit {
	out := make([]record.Hit, len(hits))
	for i, h := range hits {
		out[i] = record.Hit{Function: in.index[h.Function], Count: h.Count}
	}
	slices.SortFunc(out, func(a, b record.Hit) int { return a.Function - b.Function })
	return out
}
