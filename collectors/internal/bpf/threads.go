package bpf

import (
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/cgroup"
)

// Kinds of threads, as in target.h.
const (
	other byte = iota
	launcher
	followed
)

// maxPIDs is that of target.h.
const maxPIDs = 1 << 22

// Threads tells the programs whom they observe.
type Threads struct {
	kinds  *ebpf.Memory
	target *ebpf.Variable
}

// NewThreads is that of programs that include target.h.
func NewThreads(c *ebpf.Collection) (*Threads, error) {
	kinds, err := c.Maps["kinds"].Memory()
	if err != nil {
		return nil, err
	}
	return &Threads{kinds, c.Variables["target"]}, nil
}

// Follow makes every later child of the thread tid followed.
func (t *Threads) Follow(tid int) error {
	if tid <= 0 || tid >= maxPIDs {
		return fmt.Errorf("follow thread %d: no such thread", tid)
	}
	return t.mark(launcher, tid)
}

func (t *Threads) mark(kind byte, tid int) error {
	if _, err := t.kinds.WriteAt([]byte{kind}, int64(tid)); err != nil {
		return fmt.Errorf("mark thread %d: %w", tid, err)
	}
	return nil
}

// Seed follows a cgroup, and all its threads whatever becomes of them. It returns how
// many were not followed yet.
func (t *Threads) Seed(dir string) (added int, err error) {
	var stat unix.Stat_t
	if err := unix.Stat(dir, &stat); err != nil {
		return 0, fmt.Errorf("seed from cgroup %s: %w", dir, err)
	}
	// The id of a cgroup is its inode number (kernfs, 64-bit).
	if err := t.target.Set(stat.Ino); err != nil {
		return 0, err
	}
	for {
		tids, err := cgroup.Threads(dir)
		if err != nil {
			return added, fmt.Errorf("seed from cgroup %s: %w", dir, err)
		}
		fresh := 0
		for _, tid := range tids {
			kind := []byte{other}
			t.kinds.ReadAt(kind, int64(tid))
			if kind[0] != other {
				continue
			}
			if err := t.mark(followed, tid); err != nil {
				return added, err
			}
			fresh++
		}
		if added += fresh; fresh == 0 {
			return added, nil
		}
	}
}

// Forget follows nothing any more.
func (t *Threads) Forget() error {
	if err := t.target.Set(uint64(0)); err != nil {
		return err
	}
	_, err := t.kinds.WriteAt(make([]byte, maxPIDs), 0)
	return err
}

// membarrierGlobal is MEMBARRIER_CMD_GLOBAL of include/uapi/linux/membarrier.h.
const membarrierGlobal = 1

// Settle returns when no program runs any more that ran when it was called: they run
// in RCU's read sections, for whose end this waits (sync_membarrier,
// kernel/sched/membarrier.c).
func Settle() error {
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 && errno != unix.EINVAL {
		return fmt.Errorf("membarrier: %w", errno)
	}
	return nil
}
