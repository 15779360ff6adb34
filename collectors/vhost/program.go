package vhost

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"hapscope/collectors/internal/bpf"
	"hapscope/internal/kernel/symbols"
	"hapscope/internal/kernel/tracefs"
	"hapscope/record"
)

// maxFunctions is FUNCTIONS of vhost.bpf.c.
const maxFunctions = 32

// place is a function at whose entry a program runs.
type place struct{ module, function, program string }

// each names the copy of the program that runs there.
func (p place) each() string { return p.program + "_" + p.function }

// followers are the programs that know who is forked by whom; they are attached
// first.
var followers = []string{"sched_process_free", "sched_process_fork"}

// places finds the functions at which the programs run in a kernel.
func places(table *symbols.Table) (all []place, err error) {
	for _, some := range [][]place{ // a kernel has at least one of each
		{{core, "vhost_poll_wakeup", "kick"}},
		{{"", "eventfd_signal_mask", "eventfd"}, {"", "eventfd_signal", "eventfd"}},
		{{core, "vhost_signal", "signal"}, {core, "vhost_add_used_and_signal", "signal"}, {core, "vhost_add_used_and_signal_n", "signal"}},
		works(),
	} {
		n := len(all)
		for _, p := range some {
			if table.Find(p.module, p.function) >= 0 {
				all = append(all, p)
			}
		}
		if len(all) == n {
			return nil, fmt.Errorf("the function %s cannot be traced", some[0].function)
		}
	}
	return all, nil
}

// works are the functions that workers run.
func works() (all []place) {
	for _, b := range backends {
		for _, w := range b.works {
			all = append(all, place{b.module, w.function, "work"})
		}
	}
	return all
}

// arm loads the programs and attaches them.
func (s *Session) arm() error {
	s.modules = loaded()
	fs, err := tracefs.Open()
	if err != nil {
		return err
	}
	table, err := symbols.Load(fs)
	if err != nil {
		return err
	}
	all, err := places(table)
	if err != nil {
		return err
	}
	if err := s.load(table, all); err != nil {
		return err
	}
	if s.threads, err = bpf.NewThreads(s.objects); err != nil {
		return err
	}
	for _, name := range followers {
		if err := s.attach(name); err != nil {
			return err
		}
	}
	for _, p := range all {
		if err := s.attach(p.each()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) attach(name string) error {
	l, err := link.AttachTracing(link.TracingOptions{Program: s.objects.Programs[name]})
	if err != nil {
		return fmt.Errorf("attach %s: %w", name, err)
	}
	s.links = append(s.links, l)
	return nil
}

// load puts the programs and their maps into the kernel, one program for each place.
func (s *Session) load(table *symbols.Table, all []place) error {
	spec, err := loadVhost()
	if err != nil {
		return err
	}
	at, err := layout()
	if err != nil {
		return err
	}
	for name, value := range at {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	if s.functions, err = functions(table); err != nil {
		return err
	}
	var addresses [maxFunctions]uint64
	for i, f := range s.functions {
		addresses[i] = table.Address(table.Find(f.Module, f.Symbol))
	}
	if err := spec.Variables["functions"].Set(addresses); err != nil {
		return fmt.Errorf("set functions: %w", err)
	}
	if spec.Maps["signalling"].MaxEntries, err = highestPID(); err != nil {
		return err
	}
	programs := map[string]*ebpf.ProgramSpec{}
	for _, name := range followers {
		programs[name] = spec.Programs[name]
	}
	for _, p := range all {
		each := spec.Programs[p.program].Copy()
		each.AttachTo = p.function
		programs[p.each()] = each
	}
	spec.Programs = programs
	s.objects, err = ebpf.NewCollection(spec)
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		return fmt.Errorf("load the programs: %+v", refused)
	}
	if err != nil {
		return fmt.Errorf("load the programs: %w", err)
	}
	s.table = table
	return nil
}

// functions are those of a kernel that workers run, and that of vDPA, in the order of
// the counts.
func functions(table *symbols.Table) (all []record.Function, err error) {
	for _, p := range append(works(), vdpa) {
		if table.Find(p.module, p.function) >= 0 {
			all = append(all, record.Function{Module: p.module, Symbol: p.function})
		}
	}
	if len(all) > maxFunctions {
		return nil, fmt.Errorf("workers run %d functions, and the programs are made for %d", len(all), maxFunctions)
	}
	return all, nil
}

// highestPID is how many ids of threads there can be.
func highestPID() (uint32, error) {
	b, err := os.ReadFile("/proc/sys/kernel/pid_max")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("the highest id of a thread: %w", err)
	}
	return uint32(n), nil
}

// unchanged returns an error where modules of vhost were loaded since the programs
// were attached. (They keep those that they are attached to from being unloaded.)
func (s *Session) unchanged() error {
	if now := loaded(); !maps.Equal(s.modules, now) {
		return fmt.Errorf("modules of vhost were loaded, %v where there were %v: what they do would not be counted; run again", names(now), names(s.modules))
	}
	return nil
}

// loaded tells the modules of vhost that are loaded, and one loading from another: a
// directory in sysfs has a new inode each time.
func loaded() map[string]uint64 {
	all := map[string]uint64{}
	for _, b := range backends {
		var stat unix.Stat_t
		if err := unix.Stat("/sys/module/"+b.module, &stat); err == nil {
			all[b.module] = stat.Ino
		}
	}
	return all
}
