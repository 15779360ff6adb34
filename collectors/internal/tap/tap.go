package tap

import (
	"errors"
	"fmt"
	"time"

	"hapscope/internal/kernel/tracefs"
)

// Options describe an instance. The zero value of each field but Prefix, Filter
// and Arm is the default.
type Options struct {
	// Prefix is the first part of the instance's name; the rest says whose it is.
	Prefix string
	// BufferKiB is the ring buffer's size per CPU; 0 is 65536, or less where
	// that would take more than an eighth of the machine's memory.
	BufferKiB int
	// Poll is how long a drained CPU is left alone; 0 is 100 ms. Nothing wakes
	// the reader: a wakeup would be work of the kernel under test.
	Poll time.Duration
	// ForkOption is the option by which children inherit being followed.
	ForkOption string
	// Filter picks the list of followed threads.
	Filter func(*tracefs.Instance) *tracefs.Filter
	// Arm switches on what writes events. The filter is parked by then, and
	// tracing is off.
	Arm func(*tracefs.Instance) error
}

// Sink takes the events of one CPU. Page is called by one goroutine at a time.
type Sink interface {
	// Page visits all events of a page and returns how many those were.
	Page(p *tracefs.Page) (events int, err error)
}

// Tap is an armed instance. Its methods but Launchers are not safe for
// concurrent use.
type Tap struct {
	instance *tracefs.Instance
	filter   *tracefs.Filter
	followed
	pump *pump
}

// Open makes an instance and arms it, paused and following nothing.
func Open(o Options, sink func(cpu int) (Sink, error)) (*Tap, error) {
	fs, err := tracefs.Open()
	if err != nil {
		return nil, err
	}
	name, err := instanceName(o.Prefix)
	if err != nil {
		return nil, err
	}
	instance, err := fs.Create(name)
	if err != nil {
		return nil, err
	}
	t := &Tap{instance: instance, filter: o.Filter(instance)}
	t.launchers.Store(new([]int32))
	if err := t.arm(o, sink); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *Tap) arm(o Options, sink func(cpu int) (Sink, error)) error {
	size, err := bufferKiB(o.BufferKiB, t.instance)
	if err != nil {
		return err
	}
	if err := t.instance.Write("buffer_size_kb", fmt.Sprint(size)); err != nil {
		return err
	}
	for option, on := range map[string]bool{
		"overwrite": false, // an event that finds no room is counted as dropped, and what is there stays
		"markers":   false, // what others write into trace_marker
		// Remembering the names of pids costs a hook in the scheduler, and no one asks for them.
		"record-cmd": false,
		o.ForkOption: true,
	} {
		if !on && !t.instance.HasOption(option) {
			continue // an option that a kernel does not have need not be switched off
		}
		if err := t.instance.SetOption(option, on); err != nil {
			return err
		}
	}
	if err := t.filter.Park(); err != nil {
		return err
	}
	if err := o.Arm(t.instance); err != nil {
		return err
	}
	t.pump, err = newPump(t.instance, sink, o.Poll)
	return err
}

// Close disarms and removes the instance.
func (t *Tap) Close() error {
	var err error
	if t.pump != nil {
		err = t.pump.close()
		t.pump = nil
	}
	return errors.Join(err, t.instance.Remove())
}
