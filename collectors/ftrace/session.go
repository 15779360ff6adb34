package ftrace

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hapscope/collectors"
	"hapscope/collectors/internal/seccomp"
	"hapscope/collectors/internal/tap"
	"hapscope/collectors/internal/task"
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
	// identities are what is known of threads, by id. A thread without one, or whose
	// name was not to be read, has ended.
	identities map[int32]record.Thread
	watch      *seccomp.Watch
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
	if added, err = s.Tap.Seed(t.Cgroup); err != nil {
		return added, err
	}
	if err := s.Tap.Know(s.watch); err != nil {
		return added, err
	}
	tids, err := cgroup.Threads(t.Cgroup)
	if err != nil {
		return added, err
	}
	// By the end of the next phase they may be gone, and nobody could tell any more
	// what they were. They may have changed since, by exec.
	for _, tid := range tids {
		s.identify(int32(tid))
	}
	return added, nil
}

// identify returns what a thread is, or was when that was last known.
func (s *Session) identify(tid int32) record.Thread {
	t, old := task.Identify(int(tid)), s.identities[tid]
	if t.Ended && old != (record.Thread{}) {
		return old
	}
	t.VCPU = old.VCPU
	s.identities[tid] = t
	return t
}

// Follow makes every later child of the thread tid followed.
func (s *Session) Follow(tid int) error {
	s.watch.Know(tid) // its children begin as it is
	return s.Tap.Follow(tid)
}

// Forget follows nothing any more.
func (s *Session) Forget() error {
	clear(s.identities)
	s.watch.Forget()
	return s.Tap.Forget()
}

// runsVCPU names what only threads enter that run a virtual CPU (arch/x86/kvm): to
// begin with it, and whenever the guest goes on after an exit, which may be all that
// there is in a phase. Others may well ask something of a virtual CPU.
func runsVCPU() [][2]string {
	return [][2]string{{"kvm", "kvm_arch_vcpu_ioctl_run"}, {"kvm_amd", "svm_vcpu_run"}, {"kvm_intel", "vmx_vcpu_run"}}
}

// End stops the flow and returns what was counted since Begin.
func (s *Session) End(ctx context.Context) (collectors.Observation, error) {
	lost, err := s.Tap.End(ctx)
	sum := newCounter(s)
	for _, c := range s.counters {
		sum.take(c) // also after an error, so that the next Begin starts from zero
	}
	held, told := s.watch.End()
	if err != nil {
		return collectors.Observation{}, err
	}
	o := collectors.Observation{Lost: lost, Functions: map[record.Context][]record.Hit{}}
	if o.Unknown, err = s.late(sum); err != nil {
		return collectors.Observation{}, err
	}
	t := &tally{session: s, Observation: &o}
	for column, context := range interrupts {
		o.Functions[context] = t.hits(func(f int) uint64 { return sum.interrupts[f*len(interrupts)+column] })
	}
	s.byThread(sum, t)
	if told && lost == nil && held.Installed > 0 {
		o.Sides = s.sides(sum, held)
	}
	o.Own += sum.launcher
	o.Events += o.Unknown
	return o, nil
}

// own reports whether a function runs only because of the collectors.
func (s *Session) own(function int) bool {
	return strings.HasPrefix(s.table.Functions[function].Symbol, tracepointPrefix)
}

// tally turns counts into hits.
type tally struct {
	session *Session
	*collectors.Observation
}

// hits returns the functions that were entered, and adds them to the events.
func (t *tally) hits(count func(function int) uint64) (hits []record.Hit) {
	for i := range t.session.table.Functions {
		switch n := count(i); {
		case n == 0:
		case t.session.own(i):
			t.Own += n
		default:
			hits = append(hits, record.Hit{Function: i, Count: n})
			t.Events += n
		}
	}
	return hits
}

// byThread fills in what threads did in process context, and who they are.
func (s *Session) byThread(sum *counter, t *tally) {
	var runs []int
	for _, f := range runsVCPU() {
		if i := s.table.Find(f[0], f[1]); i >= 0 {
			runs = append(runs, i)
		}
	}
	kinds, contexts := map[record.Thread]*perThread{}, map[record.Context]*perThread{record.InProcess: {}, record.InKthread: {}}
	number := map[record.Thread]int{}
	for tid, functions := range sum.threads {
		thread := s.identify(tid)
		if !thread.VCPU && slices.ContainsFunc(runs, func(f int) bool { return functions.count(f) > 0 }) {
			thread.VCPU = true
			s.identities[tid] = thread
		}
		if kinds[thread] == nil {
			kinds[thread] = new(perThread)
		}
		number[thread]++
		functions.each(kinds[thread].add)
		functions.each(contexts[thread.Context()].add)
	}
	for context, functions := range contexts {
		hits := t.hits(functions.count)
		if context == record.InKthread && len(hits) == 0 {
			continue // that of workqueues is never seen, so that none is no answer
		}
		t.Functions[context] = hits
		if context == record.InKthread {
			t.Partial = append(t.Partial, context)
		}
	}
	for thread, functions := range kinds {
		found := collectors.Threads{Thread: thread, Number: number[thread]}
		functions.each(func(f int, v visits) {
			if !s.own(f) {
				found.Functions = append(found.Functions, record.Hit{Function: f, Count: v.n})
			}
		})
		t.Threads = append(t.Threads, found)
		k := record.Kthread{Thread: collectors.ThreadKind(thread.Name), Owner: thread.Process}
		if thread.Kernel && !slices.Contains(t.Kthreads, k) {
			t.Kthreads = append(t.Kthreads, k)
		}
	}
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
	for _, c := range s.counters {
		c.grow()
	}
	sum.grow()
	for at, v := range sum.unknown {
		if i := s.table.Lookup(at.ip); i < 0 {
			unknown += v.n
		} else {
			sum.count(i, at.column, at.tid, v)
		}
	}
	return unknown, nil
}
