package ftrace

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"hapscope/collectors"
	"hapscope/collectors/internal/tap"
	"hapscope/internal/kernel/cgroup"
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
	// workers are the followed threads that never run in user space. The list is
	// replaced, never changed: the decoders read it for each page.
	workers  atomic.Pointer[[]int32]
	kthreads []record.Kthread // what those are
}

var _ collectors.Witness = (*Session)(nil)

// Universe returns all functions that the session can see, sorted by module
// and offset.
func (s *Session) Universe() []record.Function { return s.table.Functions }

// Untraceable returns how many functions of the kernel the session cannot see.
func (s *Session) Untraceable() int { return s.table.Untraceable }

// Table is the universe with its addresses.
func (s *Session) Table() *symbols.Table { return s.table }

// Seed follows all threads of the target that are not followed yet. Among them may
// be threads that the kernel has made in the name of a process without a fork that
// it tells of: those of vhost, io_uring and kvm.
func (s *Session) Seed(t collectors.Target) (added int, err error) {
	if added, err = s.Tap.Seed(t.Cgroup); added == 0 || err != nil {
		return added, err
	}
	tids, err := cgroup.Threads(t.Cgroup)
	if err != nil {
		return added, err
	}
	var workers []int32
	s.kthreads = nil
	for _, tid := range tids {
		if isUserWorker(tid) {
			workers = append(workers, int32(tid))
			k := record.Kthread{Thread: collectors.ThreadKind(comm(tid)), Owner: comm(owner(tid))}
			if !slices.Contains(s.kthreads, k) {
				s.kthreads = append(s.kthreads, k)
			}
		}
	}
	s.workers.Store(&workers)
	return added, nil
}

// Forget follows nothing any more.
func (s *Session) Forget() error {
	s.workers.Store(nil)
	s.kthreads = nil
	return s.Tap.Forget()
}

func (s *Session) userWorkers() []int32 {
	if w := s.workers.Load(); w != nil {
		return *w
	}
	return nil
}

// Flags of include/linux/sched.h.
const (
	pfIOWorker   = 0x00000010
	pfUserWorker = 0x00004000
)

// isUserWorker reads a thread's flags, field 9 of /proc/TID/stat (proc(5)). One
// that is gone was none.
func isUserWorker(tid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tid))
	if err != nil {
		return false
	}
	// The second field is a name in parentheses that may hold anything.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 7 {
		return false
	}
	flags, err := strconv.ParseUint(string(fields[6]), 10, 64)
	return err == nil && flags&(pfIOWorker|pfUserWorker) != 0
}

// comm is the name of a thread, "" when it is gone.
func comm(tid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", tid))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

// owner is the process that a thread belongs to.
func owner(tid int) (pid int) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if id, ok := strings.CutPrefix(line, "Tgid:"); ok {
			pid, _ = strconv.Atoi(strings.TrimSpace(id))
		}
	}
	return pid
}

// End stops the flow and returns what was counted since Begin.
func (s *Session) End(ctx context.Context) (collectors.Observation, error) {
	lost, err := s.Tap.End(ctx)
	o := collectors.Observation{Lost: lost, Functions: make(map[record.Context][]record.Hit), Kthreads: slices.Clone(s.kthreads)}
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
		if slot == inKthread && len(hits) == 0 {
			continue // that of workqueues is never seen, so that none is no answer
		}
		o.Functions[context] = hits
		if slot == inKthread {
			o.Partial = append(o.Partial, context)
		}
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
