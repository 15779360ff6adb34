package ftrace

import (
	"context"
	"fmt"
	"strings"

	"hapscope/collectors"
	"hapscope/collectors/internal/tap"
	"hapscope/internal/kernel/symbols"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// tracepointPrefix begins the names of the functions that call what is attached
// to a tracepoint (DEFINE_TRACE_FN, include/linux/tracepoint.h). They run only
// while something is attached, and in the lab that is the collectors, whose pid
// filters hang on the scheduler's tracepoints. No sandbox makes an untraced host
// run them.
const tracepointPrefix = "__traceiter_"

// Session is the armed function tracer.
type Session struct {
	*tap.Tap
	table    *symbols.Table
	layout   layout
	counters []*counter // one per CPU
}

var _ collectors.Witness = (*Session)(nil)

// Universe returns all functions that the session can see, sorted by module
// and offset.
func (s *Session) Universe() []record.Function { return s.table.Functions }

// Untraceable returns how many functions of the kernel the session cannot see.
func (s *Session) Untraceable() int { return s.table.Untraceable }

// Table is the universe with its addresses.
func (s *Session) Table() *symbols.Table { return s.table }

// Seed follows all threads of the target that are not followed yet.
func (s *Session) Seed(t collectors.Target) (int, error) { return s.Tap.Seed(t.Cgroup) }

// End stops the flow and returns what was counted since Begin.
func (s *Session) End(ctx context.Context) (collectors.Observation, error) {
	lost, err := s.Tap.End(ctx)
	o := collectors.Observation{Lost: lost, Functions: make(map[record.Context][]record.Hit)}
	sum := newCounter(s)
	for _, c := range s.counters {
		sum.take(c) // also after an error, so that the next Begin starts from zero
	}
	if err != nil {
		return collectors.Observation{}, err
	}
	if o.Unknown, err = s.late(sum); err != nil {
		return collectors.Observation{}, err
	}
	for slot, context := range contexts {
		var hits []record.Hit
		for i, f := range s.table.Functions {
			n := sum.counts[i*len(contexts)+slot]
			switch {
			case n == 0:
			case strings.HasPrefix(f.Symbol, tracepointPrefix):
				o.Own += n
			default:
				hits = append(hits, record.Hit{Function: i, Count: n})
				o.Events += n
			}
		}
		o.Functions[context] = hits
	}
	o.Own += sum.launcher
	o.Events += o.Unknown
	return o, nil
}

// late finds the functions of modules that were loaded after the universe was
// read: the tracer traces them as well. They are added to the universe, and their
// counts to the others. What then has no function is unknown.
func (s *Session) late(sum *counter) (unknown uint64, err error) {
	if len(sum.unknown) == 0 {
		return 0, nil
	}
	fs, err := tracefs.Open()
	if err != nil {
		return 0, err
	}
	fresh, err := symbols.Load(fs)
	if err != nil {
		return 0, fmt.Errorf("read the functions of modules that were loaded meanwhile: %w", err)
	}
	s.table.Extend(fresh)
	grow := func(c *counter) {
		c.counts = append(c.counts, make([]uint64, len(s.table.Functions)*len(contexts)-len(c.counts))...)
	}
	for _, c := range s.counters {
		grow(c)
	}
	grow(sum)
	for ip, counts := range sum.unknown {
		i := s.table.Lookup(ip)
		for column, n := range counts {
			if i < 0 {
				unknown += n
			} else {
				sum.counts[i*len(contexts)+column] += n
			}
		}
	}
	return unknown, nil
}
