package load

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hapscope/workloads"
)

// fake answers request i after delay(i), and notes when it was sent.
type fake struct {
	delay func(i int) time.Duration
	fail  map[int]error

	mu     sync.Mutex
	sent   map[int]time.Duration // since start
	start  time.Time
	closed bool

	reconnects int
	refuse     error // of Reconnect
}

func newFake() *fake { return &fake{sent: map[int]time.Duration{}, start: time.Now()} }

func (f *fake) Do(ctx context.Context, i int) error {
	f.mu.Lock()
	f.sent[i] = time.Since(f.start)
	f.mu.Unlock()
	if f.delay != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(f.delay(i)):
		}
	}
	return f.fail[i]
}

func (f *fake) Close() error { f.closed = true; return nil }

func (f *fake) Reconnect(context.Context) error { f.reconnects++; return f.refuse }

// The tests run in a bubble with a clock of its own: they take no time, and
// nothing else that runs on the machine changes them.

func TestPacedKeepsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		// Request 2 is slow: 3 and 4 become late and go at once, 5 is on time again.
		f.delay = func(i int) time.Duration {
			if i == 2 {
				return 250 * time.Millisecond
			}
			return time.Millisecond
		}
		result, err := Paced(t.Context(), f, Options{Requests: 6, Rate: 10})
		if err != nil {
			t.Fatal(err)
		}
		ms := time.Millisecond
		for i, want := range []time.Duration{0, 100 * ms, 200 * ms, 450 * ms, 451 * ms, 500 * ms} {
			if f.sent[i] != want {
				t.Errorf("request %d was sent at %v, want %v", i, f.sent[i], want)
			}
		}
		if result.Requests != 6 || result.Correct != 6 || result.Rate != 10 || result.Mode != "paced" || result.Seconds != 0.501 {
			t.Errorf("result = %+v", result)
		}
	})
}

func TestDefaultsAreThoseOf2018(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		result, err := Paced(t.Context(), f, Options{})
		if err != nil || result.Requests != 300 || len(f.sent) != 300 || result.Rate != 10 || result.Seconds != 29.9 {
			t.Errorf("result = %+v, %v", result, err)
		}
	})
}

func TestPacedStopsAtTheFirstWrongReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fail = map[int]error{3: &workloads.WrongReply{Request: "GET /", Want: "x", Got: "y"}}
		result, err := Paced(t.Context(), f, Options{Requests: 10})
		var wrong *workloads.WrongReply
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "request 4 of 10") {
			t.Errorf("err = %v", err)
		}
		if result.Requests != 4 || result.Correct != 3 || len(f.sent) != 4 || result.Seconds == 0 {
			t.Errorf("result = %+v after %d requests", result, len(f.sent))
		}
	})
}

func TestPacedGivesUpOnARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.delay = func(int) time.Duration { return time.Hour }
		_, err := Paced(t.Context(), f, Options{Requests: 2, Timeout: 5 * time.Second})
		if err == nil || !strings.Contains(err.Error(), "request 1 of 2: no answer within 5s") {
			t.Errorf("err = %v", err)
		}
	})
}

func TestPacedIsCancelledWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(150*time.Millisecond, func() { cancel(reason) })
		result, err := Paced(ctx, newFake(), Options{Requests: 10})
		if !errors.Is(err, reason) || result.Correct != 2 {
			t.Errorf("result = %+v, err = %v", result, err)
		}
	})
}

func TestSaturate(t *testing.T) {
	for _, connections := range []int{0, 1, 7} {
		synctest.Test(t, func(t *testing.T) {
			var extra []*fake
			o := Options{Requests: 100, Connections: connections, Dial: func(context.Context) (workloads.Client, error) {
				f := newFake()
				f.delay = func(int) time.Duration { return time.Millisecond }
				extra = append(extra, f)
				return f, nil
			}}
			first := newFake()
			first.delay = func(int) time.Duration { return time.Millisecond }
			result, err := Saturate(t.Context(), first, o)
			if err != nil || result.Requests != 100 || result.Correct != 100 || result.Mode != "saturating" || result.Rate != 0 {
				t.Errorf("result = %+v, %v", result, err)
			}
			if want := max(connections, 1) - 1; len(extra) != want {
				t.Errorf("%d further connections, want %d", len(extra), want)
			}
			seen := map[int]int{}
			for _, f := range append(extra, first) {
				if len(f.sent) == 0 || f.closed != (f != first) {
					t.Errorf("a connection sent %d requests, closed: %v", len(f.sent), f.closed)
				}
				for i := range f.sent {
					seen[i]++
				}
			}
			for i := range 100 {
				if seen[i] != 1 {
					t.Errorf("request %d was sent %d times", i, seen[i])
				}
			}
		})
	}
}

func TestSaturateReportsTheFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := errors.New("bad")
		client := func(fail map[int]error) *fake {
			f := newFake()
			f.fail, f.delay = fail, func(int) time.Duration { return time.Millisecond }
			return f
		}
		all := map[int]error{}
		for i := 50; i < 54; i++ {
			all[i] = bad
		}
		o := Options{Requests: 1000, Connections: 4, Dial: func(context.Context) (workloads.Client, error) { return client(all), nil }}
		result, err := Saturate(t.Context(), client(all), o)
		if !errors.Is(err, bad) || result.Requests >= 1000 || result.Correct >= result.Requests {
			t.Errorf("result = %+v, %v", result, err)
		}
	})
}

func TestSaturateWithoutAWayToDial(t *testing.T) {
	if _, err := Saturate(t.Context(), newFake(), Options{Connections: 2}); err == nil {
		t.Error("no error")
	}
}

func TestReconnect(t *testing.T) {
	f := newFake()
	if _, err := Paced(t.Context(), f, Options{Requests: 7, Rate: 1e6, PerConnection: 3}); err != nil || f.reconnects != 3 {
		t.Errorf("%d connections for 7 requests, want 3; %v", f.reconnects, err)
	}
	f = newFake()
	f.refuse = errors.New("connection refused")
	result, err := Paced(t.Context(), f, Options{Requests: 7, Rate: 1e6, PerConnection: 1})
	if err == nil || !strings.Contains(err.Error(), "connect for request 1 of 7: connection refused") || result.Correct != 0 || len(f.sent) != 0 {
		t.Errorf("%+v, sent %v, %v", result, f.sent, err)
	}
}
