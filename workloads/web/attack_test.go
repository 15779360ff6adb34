package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"hapscope/workloads"
	"hapscope/workloads/load"
)

func TestAttack(t *testing.T) {
	hostport, connections := serve(t, right)
	seen := 0
	err := attack(t.Context(), "http://"+hostport, 4, vegeta.ConstantPacer{}, 200*time.Millisecond, func(*vegeta.Result) { seen++ })
	if err != nil || seen < 10 || connections.Load() > 8 {
		t.Errorf("%d replies over %d connections, %v", seen, connections.Load(), err) // the transport may give up one of the four
	}
}

// One wrong reply of hundreds, and no number.
func TestAttackChecksEveryReply(t *testing.T) {
	for name, spoil := range map[string]http.HandlerFunc{
		"canned": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page(name(0))) },
		"error":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) },
		"more":   func(w http.ResponseWriter, r *http.Request) { right(w, r); fmt.Fprint(w, "!") },
	} {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int64
			hostport, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) == 100 {
					spoil(w, r)
					return
				}
				right(w, r)
			})
			start := time.Now()
			err := attack(t.Context(), "http://"+hostport, 4, vegeta.ConstantPacer{}, time.Minute, func(*vegeta.Result) {})
			if !errors.As(err, new(*workloads.WrongReply)) || time.Since(start) > 30*time.Second {
				t.Errorf("err = %v after %v", err, time.Since(start))
			}
		})
	}
}

// A server that dies is no wrong reply, and no number either.
func TestAttackOfTheDead(t *testing.T) {
	err := attack(t.Context(), "http://127.0.0.1:1", 4, vegeta.ConstantPacer{}, time.Minute, func(*vegeta.Result) {})
	if err == nil || errors.As(err, new(*workloads.WrongReply)) {
		t.Errorf("err = %v", err)
	}
}

func TestAttackIsCancelled(t *testing.T) {
	hostport, _ := serve(t, right)
	reason := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { cancel(reason) })
	if err := attack(ctx, "http://"+hostport, 2, vegeta.ConstantPacer{}, time.Minute, func(*vegeta.Result) {}); !errors.Is(err, reason) {
		t.Errorf("err = %v", err)
	}
}

// The pacer's requests are due when they should be, and as many as they should be.
func TestPacer(t *testing.T) {
	hostport, _ := serve(t, right)
	p := &pacer{Schedule: load.NewSchedule(200), requests: 40}
	seen := 0
	err := attack(t.Context(), "http://"+hostport, 8, p, 0, func(r *vegeta.Result) {
		seen++
		if early := p.Due(int(r.Seq)).Sub(r.Timestamp); early > 0 {
			t.Errorf("request %d was sent %v before it was due", r.Seq, early)
		}
	})
	if err != nil || seen != 40 || p.Since() < 39*time.Second/200 {
		t.Errorf("%d requests in %v, %v", seen, p.Since(), err)
	}
}
