package load

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"hapscope/workloads"
)

// server answers one request at a time, as Redis does; request stall takes long.
type server struct {
	sync.Mutex
	stall int
	long  time.Duration
	fail  error
}

type connection struct{ *server }

func (c connection) Do(ctx context.Context, i int) error {
	c.Lock()
	defer c.Unlock()
	if i == c.stall {
		time.Sleep(c.long)
		return c.fail
	}
	return nil
}
func (c connection) Reconnect(context.Context) error { return nil }
func (c connection) Close() error                    { return nil }

func (s *server) dial(context.Context) (workloads.Client, error) { return connection{s}, nil }

// A stall of the server is seen by every request that was due in it: by 100 that are due
// in 200 ms, and not by the one that was being answered. A generator that waits
// for the reply before it sends the next (coordinated omission) would see it once.
func TestOpenSeesTheWholeStall(t *testing.T) {
	s := &server{stall: 20, long: 200 * time.Millisecond}
	l, err := Open(t.Context(), s.dial, 300, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	late := uint64(0)
	for _, b := range l.Histogram {
		if b.Seconds > 0.05 {
			late += b.Count
		}
	}
	// 300/s × 200 ms = 60 are due in it, of which the last 15 wait for less than 50 ms.
	if l.Requests != 300 || late < 40 {
		t.Errorf("%d of %d replies were late, want 45", late, l.Requests)
	}
}

func TestOpenTellsThatTheRateWasNotKept(t *testing.T) {
	s := &server{stall: 5, long: time.Second} // longer than 64 connections can bridge at 500/s
	l, err := Open(t.Context(), s.dial, 500, 300*time.Millisecond)
	if err != nil || l.Kept > 0.6*l.Asked {
		t.Errorf("kept %v of %v, %v", l.Kept, l.Asked, err)
	}
}

func TestOpenStopsAtTheFirstWrongReply(t *testing.T) {
	wrong := &workloads.WrongReply{Request: "x", Want: "y", Got: "z"}
	s := &server{stall: 5, fail: wrong}
	start := time.Now()
	if _, err := Open(t.Context(), s.dial, 100, time.Minute); !errors.Is(err, wrong) || time.Since(start) > 20*time.Second {
		t.Errorf("err = %v after %v", err, time.Since(start))
	}
}

func TestOpenIsCancelled(t *testing.T) {
	reason := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { cancel(reason) })
	if _, err := Open(ctx, (&server{stall: -1}).dial, 100, time.Minute); !errors.Is(err, reason) {
		t.Errorf("err = %v", err)
	}
}

func TestKept(t *testing.T) {
	s := NewSchedule(100)
	sent := func(late func(i int) time.Duration) (all []time.Duration) {
		for i := range 100 {
			all = append(all, time.Duration(i)*10*time.Millisecond+late(i))
		}
		return all
	}
	for name, c := range map[string]struct {
		late      func(i int) time.Duration
		low, high float64
	}{
		"in time":           {func(int) time.Duration { return 50 * time.Microsecond }, 99.9, 100},
		"late at the end":   {func(i int) time.Duration { return time.Duration(max(0, i-97)) * 20 * time.Millisecond }, 99.9, 100},
		"late in between":   {func(i int) time.Duration { return time.Duration(max(0, 40-i)) * time.Millisecond }, 99.9, 100},
		"behind ever more":  {func(i int) time.Duration { return time.Duration(i) * 500 * time.Microsecond }, 94, 96},
		"stuck at the half": {func(i int) time.Duration { return time.Duration(max(0, i-40)) * 100 * time.Millisecond }, 0, 40},
	} {
		if kept := s.Kept(sent(c.late)); kept < c.low || kept > c.high {
			t.Errorf("%s: %v of 100", name, kept)
		}
	}
}

func TestLatencies(t *testing.T) {
	l := NewLatencies()
	for _, d := range []time.Duration{time.Millisecond, time.Millisecond, time.Second, time.Hour, -1} {
		l.Add(d)
	}
	b := l.Buckets()
	if l.Count() != 5 || len(b) != 4 || b[1].Count != 2 || b[1].Seconds < 0.001 || b[1].Seconds > 0.00101 || b[3].Seconds < 599 {
		t.Errorf("%d: %+v", l.Count(), b)
	}
}
