package vhost

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/symbols"
	"hapscope/internal/kernel/tracefs"
)

// load puts the programs and their maps into the kernel; nothing is attached.
func load() (*ebpf.Collection, error) {
	at, err := layout()
	if err != nil {
		return nil, err
	}
	spec, err := loadVhost()
	if err != nil {
		return nil, err
	}
	for name, value := range at {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	loaded, err := ebpf.NewCollection(spec)
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		return nil, fmt.Errorf("load the programs: %+v", refused)
	}
	if err != nil {
		return nil, fmt.Errorf("load the programs: %w", err)
	}
	return loaded, nil
}

// place is a function at whose entry a program runs.
type place struct{ module, function, program string }

// places finds the functions at which the programs run in a kernel.
func places(table *symbols.Table) (all []place, err error) {
	is := func(module, function string) bool { return table.Find(module, function) >= 0 }
	// Whoever is to be observed is known first.
	need := []place{{"", "wake_up_new_task", "thread"}, {core, "vhost_poll_wakeup", "kick"}}
	for _, p := range need {
		if !is(p.module, p.function) {
			return nil, fmt.Errorf("the function %s cannot be traced", p.function)
		}
	}
	// A kernel has all of these, or those of which the others are made.
	for _, some := range [][]place{
		{{"", "eventfd_signal_mask", "eventfd"}, {"", "eventfd_signal", "eventfd"}},
		{{core, "vhost_signal", "signal"}, {core, "vhost_add_used_and_signal", "signal"}, {core, "vhost_add_used_and_signal_n", "signal"}},
	} {
		n := len(need)
		for _, p := range some {
			if is(p.module, p.function) {
				need = append(need, p)
			}
		}
		if len(need) == n {
			return nil, fmt.Errorf("the function %s cannot be traced", some[0].function)
		}
	}
	for _, b := range backends {
		for _, w := range b.works {
			if is(b.module, w.function) {
				need = append(need, place{b.module, w.function, "work"})
			}
		}
	}
	return need, nil
}

// attach lets the programs run at their places. Modules that are loaded afterwards
// are not among them.
func (s *Session) attach() error {
	s.modules = loaded()
	fs, err := tracefs.Open()
	if err != nil {
		return err
	}
	if s.table, err = symbols.Load(fs); err != nil {
		return err
	}
	all, err := places(s.table)
	if err != nil {
		return err
	}
	for _, p := range all {
		l, err := link.Kprobe(p.function, s.objects.Programs[p.program], nil)
		if err != nil {
			return fmt.Errorf("attach to %s: %w", p.function, err)
		}
		s.links = append(s.links, l)
	}
	return nil
}

// detach ends it.
func (s *Session) detach() error {
	var errs []error
	for _, l := range slices.Backward(s.links) {
		errs = append(errs, l.Close())
	}
	s.links = nil
	return errors.Join(errs...)
}

// renew attaches anew where a module has been loaded since.
func (s *Session) renew() error {
	if maps.Equal(s.modules, loaded()) {
		return nil
	}
	return errors.Join(s.detach(), s.attach())
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
