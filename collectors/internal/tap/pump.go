package tap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/internal/kernel/tracefs"
)

// membarrierGlobal is MEMBARRIER_CMD_GLOBAL of include/uapi/linux/membarrier.h.
const membarrierGlobal = 1

// defaultPoll leaves the machine to the sandbox: under emulation a wakeup of the
// reader costs about a millisecond of a CPU. A ring buffer of the default size
// holds a quarter of a second of the fastest tracing there is (10 million events
// a second and CPU).
const defaultPoll = 100 * time.Millisecond

// pump has one goroutine per CPU that takes out pages while events flow.
type pump struct {
	instance *tracefs.Instance
	layout   *tracefs.Layout
	poll     time.Duration
	drains   []*drain
	flowing  bool
	stop     chan struct{}
	done     chan struct{} // one receive for each drain
}

// drain is one CPU's.
type drain struct {
	cpu    int
	pipe   *tracefs.Pipe
	sink   Sink
	buffer []byte
	page   tracefs.Page
	missed uint64 // losses that pages told of
	events uint64
	err    error
}

func newPump(i *tracefs.Instance, sink func(cpu int) (Sink, error), poll time.Duration) (*pump, error) {
	layout, err := i.Layout()
	if err != nil {
		return nil, err
	}
	cpus, err := i.CPUs()
	if err != nil {
		return nil, err
	}
	if poll == 0 {
		poll = defaultPoll
	}
	p := &pump{instance: i, layout: layout, poll: poll}
	for _, cpu := range cpus {
		pipe, err := i.Pipe(cpu)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		d := &drain{cpu: cpu, pipe: pipe, buffer: make([]byte, layout.PageSize())}
		p.drains = append(p.drains, d)
		if d.sink, err = sink(cpu); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	return p, nil
}

// Prepare has nothing to do.
func (t *Tap) Prepare() error { return nil }

// Stop stops the flow.
func (t *Tap) Stop() error {
	if err := t.pump.instance.SetTracing(false); err != nil {
		return fmt.Errorf("stop tracing: %w", err)
	}
	return nil
}

// Begin lets events flow. Those before its return may be lost.
func (t *Tap) Begin() error {
	p := t.pump
	if p.flowing {
		return fmt.Errorf("begin tracing: it has begun already")
	}
	// Statistics count since the last reset. The function tracer resets once
	// more when tracing is switched on, so that reading starts after that.
	if err := p.instance.Reset(); err != nil {
		return fmt.Errorf("begin tracing: %w", err)
	}
	if err := p.instance.SetTracing(true); err != nil {
		return fmt.Errorf("begin tracing: %w", err)
	}
	p.flowing, p.stop, p.done = true, make(chan struct{}), make(chan struct{})
	for _, d := range p.drains {
		d.missed, d.events, d.err = 0, 0, nil
		go d.run(p)
	}
	return nil
}

// End stops the flow, waits until everything before is decoded, and returns the
// number of events that were lost on each CPU, or nil where none was.
func (t *Tap) End(ctx context.Context) (lost []uint64, err error) {
	p := t.pump
	if !p.flowing {
		return nil, fmt.Errorf("end tracing: it has not begun")
	}
	err = p.halt()
	for _, d := range p.drains {
		err = errors.Join(err, d.err)
	}
	if err != nil {
		return nil, fmt.Errorf("end tracing: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("end tracing: %w", context.Cause(ctx))
	}
	return p.lost()
}

// halt switches tracing off and waits for the goroutines.
func (p *pump) halt() error {
	err := p.instance.SetTracing(false)
	// Someone may be in the middle of writing an event, with preemption off.
	// This system call waits for a grace period of RCU, which ends when all such
	// sections have (sync_membarrier, kernel/sched/membarrier.c). It is refused
	// where nohz_full CPUs are; then time must do.
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 {
		time.Sleep(50 * time.Millisecond)
	}
	close(p.stop)
	for range p.drains {
		<-p.done
	}
	p.flowing = false
	return err
}

// lost compares what the kernel counted with what was seen.
func (p *pump) lost() ([]uint64, error) {
	lost, total := make([]uint64, p.drains[len(p.drains)-1].cpu+1), uint64(0)
	for _, d := range p.drains {
		s, err := p.instance.Stats(d.cpu)
		if err != nil {
			return nil, fmt.Errorf("end tracing: %w", err)
		}
		// Pages tell of overruns only, which the statistics count as well.
		n := s.CommitOverrun + s.Dropped + max(s.Overrun, d.missed)
		// What is left unread, or was taken out and not decoded, is lost too.
		n += s.Entries
		if s.Read > d.events {
			n += s.Read - d.events
		}
		lost[d.cpu] = n
		total += n
	}
	if total == 0 {
		return nil, nil
	}
	return lost, nil
}

// run takes pages out until it is told to stop and nothing is left.
func (d *drain) run(p *pump) {
	defer func() { p.done <- struct{}{} }()
	wait := time.NewTimer(p.poll)
	defer wait.Stop()
	stopping := false
	for {
		n, err := d.pipe.Read(d.buffer)
		switch {
		case err == nil:
			if d.err == nil { // after an error the rest is taken out and dropped
				d.err = d.decode(p.layout, d.buffer[:n])
			}
			// A page that is mostly empty is the one being written: to go on reading
			// would be to race the writer, a few events at a time.
			if !stopping && d.page.Size() < n/2 {
				stopping = p.pause(wait)
			}
		case !errors.Is(err, io.EOF):
			d.err = errors.Join(d.err, err)
			return
		case stopping:
			return
		default:
			stopping = p.pause(wait)
		}
	}
}

// pause waits for the next poll and reports whether it was told to stop.
func (p *pump) pause(t *time.Timer) (stopping bool) {
	t.Reset(p.poll)
	select {
	case <-p.stop:
		return true
	case <-t.C:
		return false
	}
}

func (d *drain) decode(l *tracefs.Layout, b []byte) error {
	if err := d.page.Reset(l, b); err != nil {
		return fmt.Errorf("CPU %d: %w", d.cpu, err)
	}
	d.missed += d.page.Missed
	n, err := d.sink.Page(&d.page)
	d.events += uint64(n)
	if err == nil {
		err = d.page.Err()
	}
	if err != nil {
		return fmt.Errorf("CPU %d: %w", d.cpu, err)
	}
	return nil
}

func (p *pump) close() error {
	var err error
	if p.flowing {
		err = p.halt()
	}
	for _, d := range p.drains {
		err = errors.Join(err, d.pipe.Close())
	}
	return err
}
