package tracefs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// parked is a thread id that no thread can have: above PID_MAX_LIMIT (1<<22,
// include/linux/threads.h) and below what the filter stores (MAX_PID, 1<<30,
// kernel/trace/pid_list.h). PID_MAX_LIMIT itself would do, too, but reads back
// as "no pid" because its successor is the kernel's mark for an empty list.
const parked = 1<<22 + 1

// Filter is one of an instance's two lists of followed threads.
type Filter struct {
	instance *Instance
	file     string
}

// FunctionFilter is the list that the function tracer obeys.
func (i *Instance) FunctionFilter() *Filter { return &Filter{i, "set_ftrace_pid"} }

// EventFilter is the list that the instance's events obey.
func (i *Instance) EventFilter() *Filter { return &Filter{i, "set_event_pid"} }

// Park empties the list without letting everything through: the one thread on
// it does not exist. The list is empty for a moment, so events must be off.
func (f *Filter) Park() error { return f.instance.Write(f.file, strconv.Itoa(parked)) }

// Add puts threads on the list in one write. Their later children get onto it
// by the instance's options function-fork and event-fork, and the kernel takes
// each thread off again when it is freed.
func (f *Filter) Add(tids ...int) error {
	if len(tids) == 0 {
		return nil
	}
	var b strings.Builder
	for _, tid := range tids {
		fmt.Fprintf(&b, "%d ", tid)
	}
	return f.instance.write(f.file, b.String(), unix.O_WRONLY|unix.O_APPEND)
}

// Threads returns the listed threads, ascending.
func (f *Filter) Threads() ([]int, error) {
	text, err := f.instance.Read(f.file)
	if err != nil {
		return nil, err
	}
	return parseThreads(text)
}

func parseThreads(text string) ([]int, error) {
	var tids []int
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line == "no pid" {
			continue
		}
		tid, err := strconv.Atoi(line)
		if err != nil {
			return nil, fmt.Errorf("pid filter: line %q is no thread id", line)
		}
		if tid != parked {
			tids = append(tids, tid)
		}
	}
	slices.Sort(tids)
	return tids, nil
}

// AddAll puts those threads on the list that are not on it yet, and repeats
// that until list finds nothing new: threads may be forked between listing and
// writing, by threads which were not followed yet or through the window that
// the package's documentation describes. It returns how many were added.
func (f *Filter) AddAll(list func() ([]int, error)) (added int, err error) {
	for range 100 {
		have, err := f.Threads()
		if err != nil {
			return added, err
		}
		want, err := list()
		if err != nil {
			return added, err
		}
		missing := slices.DeleteFunc(want, func(tid int) bool {
			_, found := slices.BinarySearch(have, tid)
			return found
		})
		if len(missing) == 0 {
			return added, nil
		}
		if err := f.Add(missing...); err != nil {
			return added, err
		}
		added += len(missing)
	}
	return added, fmt.Errorf("follow threads: still new ones after 100 rounds, %d added", added)
}
