package ebpf

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/collectors/internal/bpf"
	"hapscope/internal/kernel/symbols"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// Session is the attached witness.
type Session struct {
	table   *symbols.Table
	cpus    []int
	objects *ebpf.Collection
	counts  *ebpf.Memory
	threads *bpf.Threads
	links   []link.Link
	rows    int    // of counts, for each CPU
	modules string // of which the functions are attached, as /proc/modules lists them
	chosen  []int  // the only functions that are observed; none is all
	hot     []int  // functions that are attached only while entries are counted
	self    []int  // those of hot that the witness enters itself

	heated  *hotLink // between Prepare and End
	flowing bool
}

var _ collectors.Witness = (*Session)(nil)

func newSession(chosen []string) (*Session, error) {
	s := new(Session)
	if err := s.arm(chosen); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// arm attaches everything that stays attached.
func (s *Session) arm(chosen []string) error {
	if len(chosen) > MaxFunctions {
		return fmt.Errorf("%d functions are to be observed one by one, and at most %d can be", len(chosen), MaxFunctions)
	}
	fs, err := tracefs.Open()
	if err != nil {
		return err
	}
	if s.modules, err = loadedModules(); err != nil {
		return err
	}
	if s.table, err = symbols.Load(fs); err != nil {
		return err
	}
	s.rows = len(s.table.Functions) + spare
	possible, err := ebpf.PossibleCPU()
	if err != nil {
		return err
	}
	if s.chosen, err = choose(s.table, chosen); err != nil {
		return err
	}
	if s.objects, err = load(s.table, possible, s.chosen); err != nil {
		return err
	}
	if s.counts, err = s.objects.Maps["counts"].Memory(); err != nil {
		return err
	}
	if s.threads, err = bpf.NewThreads(s.objects); err != nil {
		return err
	}
	// The last of these is the first that gives anybody to observe.
	for _, name := range []string{
		"sched_process_free", "sched_process_fork", "execute_end", "execute_start", "queue_work", "sched_switch",
	} {
		l, err := link.AttachTracing(link.TracingOptions{Program: s.objects.Programs[name]})
		if err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
		s.links = append(s.links, l)
	}
	if len(chosen) > 0 {
		return s.attachEach()
	}
	var cold []int
	s.hot, cold = s.split()
	for _, i := range s.hot {
		if slices.Contains(self, s.table.Functions[i].Symbol) {
			s.self = append(s.self, i)
		}
	}
	l, err := s.attach(cold)
	if err != nil {
		return err
	}
	s.links = append(s.links, l)
	return nil
}

// attachEach attaches one program to each chosen function.
func (s *Session) attachEach() error {
	for _, i := range s.chosen {
		l, err := link.AttachTracing(link.TracingOptions{
			Program: s.objects.Programs[oneProgram(i)], AttachType: ebpf.AttachTraceFEntry, Cookie: uint64(i),
		})
		if err != nil {
			return fmt.Errorf("attach to %s: %w", s.table.Functions[i].Name(), err)
		}
		s.links = append(s.links, l)
	}
	return nil
}

// attach puts the program at the entry of functions.
func (s *Session) attach(functions []int) (link.Link, error) {
	o := link.KprobeMultiOptions{Addresses: make([]uintptr, len(functions)), Cookies: make([]uint64, len(functions))}
	for i, f := range functions {
		o.Addresses[i], o.Cookies[i] = uintptr(s.table.Address(f)), uint64(f)
	}
	l, err := link.KprobeMulti(s.objects.Programs["enter"], o)
	if errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, fmt.Errorf("attach to %d functions at once: Linux %s does not support kprobe.multi, which is there since 5.18 where CONFIG_FPROBE is set; a chosen list of functions can be observed without", len(functions), release())
	}
	if err != nil {
		return nil, fmt.Errorf("attach to %d functions: %w", len(functions), err)
	}
	return l, nil
}

// Universe returns all functions that the session can see, sorted by module
// and offset.
func (s *Session) Universe() []record.Function { return s.table.Functions }

// Untraceable returns how many functions of the kernel the session cannot see.
func (s *Session) Untraceable() int { return s.table.Untraceable }

// Table is the universe with its addresses.
func (s *Session) Table() *symbols.Table { return s.table }

// Follow makes every later child of the thread tid followed.
func (s *Session) Follow(tid int) error {
	if err := s.threads.Follow(tid); err != nil {
		return err
	}
	return s.turn()
}

// Seed follows the cgroup, and all its threads whatever becomes of them.
func (s *Session) Seed(t collectors.Target) (added int, err error) {
	if added, err = s.threads.Seed(t.Cgroup); err != nil {
		return added, err
	}
	return added, s.turn()
}

// turn makes every CPU turn to another thread and back, because a CPU learns on
// whose behalf it works only then.
func (s *Session) turn() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(0, &set); err != nil {
			done <- err
			return
		}
		for cpu := range maxCPUs {
			if !set.IsSet(cpu) {
				continue
			}
			var one unix.CPUSet
			one.Set(cpu)
			if err := unix.SchedSetaffinity(0, &one); err != nil {
				done <- fmt.Errorf("visit CPU %d: %w", cpu, err)
				return
			}
		}
		done <- nil
	}()
	return <-done
}

// Prepare attaches the hot functions.
func (s *Session) Prepare() (err error) {
	if s.heated != nil || s.flowing {
		return nil
	}
	if err := errors.Join(s.late(), s.reset()); err != nil {
		return fmt.Errorf("prepare to count: %w", err)
	}
	if s.heated, err = s.heat(); err != nil {
		return fmt.Errorf("prepare to count: %w", err)
	}
	return nil
}

// Begin lets entries be counted.
func (s *Session) Begin() error {
	if s.flowing {
		return errors.New("begin counting: it has begun already")
	}
	if err := s.Prepare(); err != nil {
		return err
	}
	if err := s.objects.Variables["enabled"].Set(uint32(1)); err != nil {
		return fmt.Errorf("begin counting: %w", err)
	}
	s.flowing = true
	return nil
}

// Stop stops the counting.
func (s *Session) Stop() error {
	if err := s.objects.Variables["enabled"].Set(uint32(0)); err != nil {
		return fmt.Errorf("stop counting: %w", err)
	}
	return nil
}

// End stops the counting and returns what was counted since Begin.
func (s *Session) End(ctx context.Context) (collectors.Observation, error) {
	if !s.flowing {
		return collectors.Observation{}, errors.New("end counting: it has not begun")
	}
	hot := s.heated
	s.flowing, s.heated = false, nil
	if err := errors.Join(s.Stop(), bpf.Settle(), hot.cool()); err != nil {
		return collectors.Observation{}, fmt.Errorf("end counting: %w", err)
	}
	o, err := s.collect()
	if err != nil {
		return collectors.Observation{}, fmt.Errorf("end counting: %w", err)
	}
	o.Bounds = len(s.chosen) == 0
	// A BPF program does not run where it interrupts another one, and functions
	// that are hot are left alone once they were seen in process context.
	o.Partial = []record.Context{record.InSoftIRQ, record.InHardIRQ}
	return o, nil
}

// Forget follows nothing any more.
func (s *Session) Forget() error {
	if s.flowing {
		return errors.New("forget followed threads: entries are being counted")
	}
	if err := s.threads.Forget(); err != nil {
		return err
	}
	return s.turn()
}

// Close detaches everything and takes it out of the kernel.
func (s *Session) Close() error {
	var errs []error
	if s.heated != nil {
		errs = append(errs, s.heated.cool())
		s.heated = nil
	}
	for _, l := range slices.Backward(s.links) {
		errs = append(errs, l.Close())
	}
	s.links = nil
	if s.objects != nil {
		s.objects.Close()
	}
	return errors.Join(errs...)
}

// release is the running kernel's.
func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "of an unknown release"
	}
	return unix.ByteSliceToString(u.Release[:])
}
