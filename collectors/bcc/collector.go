//go:build bcc

package bcc

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"github.com/iovisor/gobpf/bcc"
	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
	"hapscope/internal/kernel/cgroup"
	"hapscope/internal/kernel/probe"
	"hapscope/internal/kernel/symbols"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

//go:embed program.bpf.c
var program string

// Options of the collector. The zero value is the default.
type Options struct {
	// Functions are to be observed besides the sample and the functions of the
	// exercise.
	Functions []string
	Sample    int    // functions drawn at random from the universe; 0 is 50
	Seed      uint64 // of the draw
}

// defaultSample takes some seconds to attach under emulation.
const defaultSample = 50

// Collector is the witness on kprobes.
type Collector struct{ options Options }

var _ collectors.Collector = (*Collector)(nil)

// New makes a collector; it touches nothing yet.
func New(o Options) *Collector { return &Collector{o} }

// Name is bcc.
func (c *Collector) Name() string { return "bcc" }

// Check reports what the program needs and what is there. That libbcc can compile
// it, for which it wants the kernel's headers, shows when it is armed.
func (c *Collector) Check(context.Context) []record.Requirement {
	return []record.Requirement{probe.Root(), probe.Tracefs(), probe.Lockdown(), probe.Symbols(), probe.Cgroup2()}
}

// Sweep has nothing to do: kprobes made by perf_event_open live no longer than the
// process that holds them.
func (c *Collector) Sweep(context.Context) ([]string, error) { return nil, nil }

// Open compiles the program and attaches it.
func (c *Collector) Open(ctx context.Context) (collectors.Session, error) { return c.Arm(ctx) }

// Arm is Open with the type that also tells the universe: the observed functions.
func (c *Collector) Arm(context.Context) (*Session, error) {
	s := new(Session)
	if err := s.arm(c.options); err != nil {
		return nil, errors.Join(fmt.Errorf("arm bcc: %w", err), s.Close())
	}
	return s, nil
}

func (s *Session) arm(o Options) error {
	fs, err := tracefs.Open()
	if err != nil {
		return err
	}
	if s.table, err = symbols.Load(fs); err != nil {
		return err
	}
	root, err := cgroup.Root()
	if err != nil {
		return err
	}
	offsets, ok := s.table.Variable("__per_cpu_offset")
	preempt, err := probe.PreemptCount(s.table)
	if err != nil || !ok {
		return fmt.Errorf("find the preempt count, which tells interrupts: %w", err)
	}
	s.root = root
	flags := []string{fmt.Sprintf("-DPREEMPT=%#xUL", preempt), fmt.Sprintf("-DOFFSETS=%#xUL", offsets)}
	if s.module = bcc.NewModule(program, flags); s.module == nil {
		return errors.New("libbcc cannot compile the program (it has said why on stderr); it needs the kernel's headers: apt-get install linux-headers-$(uname -r)")
	}
	for _, name := range []string{"sched_process_fork", "sched_process_free"} {
		fd, err := s.module.LoadTracepoint("tracepoint__sched__" + name)
		if err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
		if err := s.module.AttachTracepoint("sched:"+name, fd); err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
	}
	fd, err := s.module.LoadKprobe("enter")
	if err != nil {
		return fmt.Errorf("load the program: %w", err)
	}
	for _, i := range s.choose(o) {
		f := s.table.Functions[i]
		if err := s.module.AttachKprobe(f.Symbol, fd, -1); err != nil {
			// kprobes has a blacklist of its own (NOKPROBE_SYMBOL).
			s.refused = append(s.refused, f.Name())
			continue
		}
		s.index[s.table.Address(i)] = len(s.universe)
		s.universe = append(s.universe, f)
	}
	if len(s.universe) == 0 {
		return errors.New("no function could be probed")
	}
	return nil
}

// choose lists what is to be observed: every function of the exercise, those that
// were asked for, and a random sample of those that can be named.
func (s *Session) choose(o Options) (chosen []int) {
	s.index = map[uint64]int{}
	add := func(i int) {
		if i >= 0 && !slices.Contains(chosen, i) {
			chosen = append(chosen, i)
		}
	}
	for _, e := range exercise.Standard().Expected() {
		for _, name := range e.Functions {
			add(s.table.Find("", name))
		}
	}
	add(s.table.Find("", "begin_new_exec"))
	for _, name := range o.Functions {
		add(s.table.Find("", name))
	}
	n := o.Sample
	if n == 0 {
		n = defaultSample
	}
	draw := rand.New(rand.NewPCG(o.Seed, 0))
	for want := len(chosen) + n; len(chosen) < want; {
		i := draw.IntN(len(s.table.Functions))
		// A kprobe is made by name, so that it must be the only function of that name.
		if f := s.table.Functions[i]; f.Module == "" && s.table.Find("", f.Symbol) == i && !strings.Contains(f.Symbol, ".") {
			add(i)
		}
	}
	return chosen
}

// level is how far below the root of the hierarchy a cgroup lies.
func (s *Session) level(dir string) (int, error) {
	relative, err := filepath.Rel(s.root, dir)
	if err != nil {
		return 0, err
	}
	return len(strings.Split(relative, string(filepath.Separator))), nil
}

// inode is the id of a cgroup.
func inode(dir string) (uint64, error) {
	var stat unix.Stat_t
	err := unix.Stat(dir, &stat)
	return stat.Ino, err
}
