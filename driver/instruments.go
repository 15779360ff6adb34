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
	launcher  *launcher
	sessions  []collectors.Session // all of them, none before arm
	witnesses []*witness           // those that observe functions, the first of which gives the result
}

// witness is a session that observes functions.
type witness struct {
	collectors.Witness
	name  string
	index []int                                  // of its universe in the run's function table
	table func([]record.Function) ([]int, error) // extends the run's function table
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

// arm opens sessions; those of witnesses must be collectors.Witness. What was
// opened when it fails is closed by close.
func (in *instruments) arm(ctx context.Context, witnesses, others []collectors.Collector) error {
	for _, c := range slices.Concat(witnesses, others) {
		s, err := c.Open(ctx)
		if err != nil {
			if unmet := record.Unmet(c.Check(ctx)); len(unmet) > 0 {
				return fmt.Errorf("%w: collector %s: %s", ErrUnfit, c.Name(), record.DescribeUnmet(unmet))
			}
			return fmt.Errorf("arm collector %s: %w", c.Name(), err)
		}
		in.sessions = append(in.sessions, s)
		if !slices.Contains(witnesses, c) {
			continue
		}
		w, ok := s.(collectors.Witness)
		if !ok {
			return fmt.Errorf("collector %s does not observe kernel functions", c.Name())
		}
		in.witnesses = append(in.witnesses, &witness{Witness: w, name: c.Name()})
	}
	return nil
}

// describe writes the machine and its functions into the record.
func (d *Driver) describe(in *instruments) (*record.Machine, error) {
	m, err := d.Describe()
	if err != nil {
		return nil, fmt.Errorf("describe the machine: %w", err)
	}
	m.Traceable, m.Untraceable = len(in.witnesses[0].Universe()), in.witnesses[0].Untraceable()
	for _, w := range in.witnesses {
		w.table = func(universe []record.Function) ([]int, error) { return d.Writer.Functions(m.BuildID, universe) }
		if w.index, err = w.table(w.Universe()); err != nil {
			return nil, fmt.Errorf("write the function table: %w", err)
		}
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
// returns how many the first witness had to add.
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

// begin lets all sessions observe from nearly the same moment on.
func (in *instruments) begin() error {
	if err := in.each(collectors.Session.Prepare); err != nil {
		return err
	}
	return in.each(collectors.Session.Begin)
}

// stop ends it at nearly the same moment.
func (in *instruments) stop() error { return in.each(collectors.Session.Stop) }

// decodeDeadline bounds the wait for events that were already traced.
const decodeDeadline = 5 * time.Minute

// observe runs f while all sessions observe, and fills p with what they saw. It
// stops them and decodes whatever f returns, also when ctx has ended. role says what
// threads of user space are.
func (in *instruments) observe(ctx context.Context, p *record.PhaseResult, role func(record.Thread) record.Role, f func() error) error {
	err := in.begin()
	if err == nil {
		err = errors.Join(f(), in.stop())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decodeDeadline)
	defer cancel()
	for _, s := range in.sessions {
		o, endErr := s.End(ctx)
		if endErr != nil {
			err = errors.Join(err, fmt.Errorf("read what was collected: %w", endErr))
			continue
		}
		if o.Syscalls != nil {
			if p.Syscalls == nil {
				p.Syscalls = map[string]uint64{}
			}
			maps.Copy(p.Syscalls, o.Syscalls)
			p.Confined = o.Confined
		}
		if o.VM != nil {
			p.VM, p.VMExits = o.VM, o.VMExits
		}
		if o.Vhost != nil {
			p.Vhost = o.Vhost
		}
		at := slices.IndexFunc(in.witnesses, func(w *witness) bool { return w.Witness == s })
		switch {
		case at < 0:
			add(&p.Sighting, o)
		case at == 0:
			err = errors.Join(err, in.witnesses[at].sight(&p.Sighting, o, role))
		default:
			if p.Others == nil {
				p.Others = map[string]*record.Sighting{}
			}
			sighting := new(record.Sighting)
			err = errors.Join(err, in.witnesses[at].sight(sighting, o, role))
			p.Others[in.witnesses[at].name] = sighting
		}
	}
	return err
}

// add adds the numbers that all collectors have.
func add(s *record.Sighting, o collectors.Observation) {
	s.Events += o.Events
	s.Unknown += o.Unknown
	s.Own += o.Own
	for cpu, n := range o.Lost {
		for len(s.Lost) <= cpu {
			s.Lost = append(s.Lost, 0)
		}
		s.Lost[cpu] += n
	}
}

// sight adds a witness's observation. Its universe may have grown by the functions
// of a module that was loaded meanwhile.
func (w *witness) sight(s *record.Sighting, o collectors.Observation, role func(record.Thread) record.Role) (err error) {
	add(s, o)
	if universe := w.Universe(); len(universe) > len(w.index) {
		if w.index, err = w.table(universe); err != nil {
			return fmt.Errorf("extend the function table: %w", err)
		}
	}
	s.Partial, s.Bounds, s.Kthreads = o.Partial, o.Bounds, o.Kthreads
	if o.Sample {
		s.Sample = slices.Sorted(slices.Values(w.index))
	}
	s.Functions = map[record.Context][]record.Hit{}
	for context, hits := range o.Functions {
		s.Functions[context] = w.translate(hits)
	}
	s.Roles = byRole(o.Threads, role)
	for _, r := range s.Roles {
		r.Functions = w.translate(r.Functions)
	}
	if o.Sides != nil {
		s.Sides = &record.Sides{Installed: o.Sides.Installed, Unconfined: w.renumber(o.Sides.Unconfined), Confined: w.renumber(o.Sides.Confined)}
	}
	return nil
}

// renumber is translate for functions that are not counted.
func (w *witness) renumber(functions []int) []int {
	out := make([]int, len(functions))
	for i, f := range functions {
		out[i] = w.index[f]
	}
	slices.Sort(out)
	return out
}

// translate turns the witness's function numbers into those of the run's table.
func (w *witness) translate(hits []record.Hit) []record.Hit {
	out := make([]record.Hit, len(hits))
	for i, h := range hits {
		out[i] = record.Hit{Function: w.index[h.Function], Count: h.Count}
	}
	slices.SortFunc(out, func(a, b record.Hit) int { return a.Function - b.Function })
	return out
}
