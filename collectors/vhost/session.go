package vhost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"hapscope/collectors"
	"hapscope/internal/kernel/cgroup"
	"hapscope/internal/kernel/symbols"
)

// Kinds of threads, as in vhost.bpf.c.
const (
	other byte = iota
	launcher
	followed
)

// Session is the attached programs.
type Session struct {
	objects *ebpf.Collection
	kinds   *ebpf.Memory
	links   []link.Link
	table   *symbols.Table    // of the modules that were loaded when it attached
	modules map[string]uint64 // those, see loaded
	flowing bool
}

var _ collectors.Session = (*Session)(nil)

func (s *Session) arm() (err error) {
	if s.objects, err = load(); err != nil {
		return err
	}
	if s.kinds, err = s.objects.Maps["kinds"].Memory(); err != nil {
		return err
	}
	return s.attach()
}

// Follow makes every later child of the thread tid followed.
func (s *Session) Follow(tid int) error {
	if tid <= 0 || tid >= maxPIDs {
		return fmt.Errorf("follow thread %d: no such thread", tid)
	}
	return s.mark(launcher, tid)
}

func (s *Session) mark(kind byte, tid int) error {
	if _, err := s.kinds.WriteAt([]byte{kind}, int64(tid)); err != nil {
		return fmt.Errorf("mark thread %d: %w", tid, err)
	}
	return nil
}

// Seed follows the cgroup, and all its threads whatever becomes of them.
func (s *Session) Seed(t collectors.Target) (added int, err error) {
	var stat unix.Stat_t
	if err := unix.Stat(t.Cgroup, &stat); err != nil {
		return 0, fmt.Errorf("seed from cgroup %s: %w", t.Cgroup, err)
	}
	// The id of a cgroup is its inode number (kernfs, 64-bit).
	if err := s.objects.Variables["target"].Set(stat.Ino); err != nil {
		return 0, err
	}
	tids, err := cgroup.Threads(t.Cgroup)
	if err != nil {
		return 0, fmt.Errorf("seed from cgroup %s: %w", t.Cgroup, err)
	}
	for _, tid := range tids {
		kind := []byte{other}
		if _, err := s.kinds.ReadAt(kind, int64(tid)); err != nil {
			return added, err
		}
		if kind[0] != other {
			continue
		}
		added++
		if err := s.mark(followed, tid); err != nil {
			return added, err
		}
	}
	return added, nil
}

// Prepare attaches to modules that were loaded since the last observation.
func (s *Session) Prepare() error {
	if s.flowing {
		return nil
	}
	if err := errors.Join(s.renew(), s.reset()); err != nil {
		return fmt.Errorf("prepare to count what vhost does: %w", err)
	}
	return nil
}

// Begin lets events be counted.
func (s *Session) Begin() error {
	if s.flowing {
		return errors.New("begin counting what vhost does: it has begun already")
	}
	if err := s.Prepare(); err != nil {
		return err
	}
	if err := s.objects.Variables["enabled"].Set(uint32(1)); err != nil {
		return fmt.Errorf("begin counting what vhost does: %w", err)
	}
	s.flowing = true
	return nil
}

// Stop stops the counting.
func (s *Session) Stop() error {
	if err := s.objects.Variables["enabled"].Set(uint32(0)); err != nil {
		return fmt.Errorf("stop counting what vhost does: %w", err)
	}
	return nil
}

// End stops the counting and returns what was counted since Begin.
func (s *Session) End(context.Context) (o collectors.Observation, err error) {
	if !s.flowing {
		return o, errors.New("end counting what vhost does: it has not begun")
	}
	s.flowing = false
	if err := s.halt(); err != nil {
		return o, fmt.Errorf("end counting what vhost does: %w", err)
	}
	if now := loaded(); !maps.Equal(s.modules, now) {
		return o, fmt.Errorf("vhost's modules changed while their work was counted, from %v to %v: measure again, with those that are needed loaded", names(s.modules), names(now))
	}
	if o, err = s.collect(); err != nil {
		return collectors.Observation{}, fmt.Errorf("end counting what vhost does: %w", err)
	}
	return o, nil
}

func names(modules map[string]uint64) []string { return slices.Sorted(maps.Keys(modules)) }

// membarrierGlobal is MEMBARRIER_CMD_GLOBAL of include/uapi/linux/membarrier.h.
const membarrierGlobal = 1

// halt returns when no program can be counting any more: they run in RCU's read
// sections, for whose end a membarrier waits (kernel/sched/membarrier.c).
func (s *Session) halt() error {
	if err := s.Stop(); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 && errno != unix.EINVAL {
		return fmt.Errorf("membarrier: %w", errno)
	}
	return nil
}

// Forget follows nothing any more.
func (s *Session) Forget() error {
	if s.flowing {
		return errors.New("forget followed threads: what vhost does is being counted")
	}
	if err := s.objects.Variables["target"].Set(uint64(0)); err != nil {
		return err
	}
	_, err := s.kinds.WriteAt(make([]byte, maxPIDs), 0)
	return err
}

// Close detaches everything and takes it out of the kernel.
func (s *Session) Close() error {
	err := s.detach()
	if s.objects != nil {
		s.objects.Close()
	}
	return err
}
