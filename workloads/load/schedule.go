package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// Schedule says when each request of a fixed rate is due.
type Schedule struct {
	start time.Time
	rate  float64
}

// NewSchedule begins now.
func NewSchedule(rate float64) Schedule { return Schedule{time.Now(), rate} }

// Due is when request i, from 0, is to be sent.
func (s Schedule) Due(i int) time.Time {
	return s.start.Add(time.Duration(float64(i) / s.rate * float64(time.Second)))
}

// Wait returns when request i is due, and Due. The kernel's own sleep is called,
// because that of Go wakes up to a millisecond late on an idle machine (its poller
// sleeps in epoll_wait, in whole milliseconds), which is more than a request takes.
func (s Schedule) Wait(i int) time.Time {
	due := s.Due(i)
	for {
		left := time.Until(due)
		if left <= 0 {
			return due
		}
		t := unix.NsecToTimespec(left.Nanoseconds())
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil) // EINTR: the loop sleeps on
	}
}

// Kept is the rate that was kept up by requests that were sent so long after the start,
// in their order: the best of those of all beginnings that hold at least half of
// them. A moment's delay at the very end, which the next requests would have made up for, is
// in their latencies; a generator, or a server, that cannot keep the rate falls behind
// all the time.
func (s Schedule) Kept(sent []time.Duration) (kept float64) {
	for i := len(sent) / 2; i < len(sent); i++ {
		kept = max(kept, float64(i+1)/(max(0, sent[i].Seconds())+1/s.rate))
	}
	return kept
}

// Since is how long ago the schedule began.
func (s Schedule) Since() time.Duration { return time.Since(s.start) }
