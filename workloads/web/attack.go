package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"hapscope/record"
	"hapscope/workloads"
	"hapscope/workloads/load"
)

// Generator is what sends the load of timings, at its version in go.mod.
const Generator = "vegeta v12.13.0"

// Saturate implements workloads.Generator for servers of this package.
func Saturate(ctx context.Context, at workloads.Server, connections int, d time.Duration) (workloads.Saturation, error) {
	s := workloads.Saturation{Throughput: record.Throughput{Generator: Generator, Connections: connections}, Threads: runtime.NumCPU()}
	var err error
	s.CPU, s.GeneratorCPU, err = load.Metered(at, func() error {
		start := time.Now()
		// Rate 0 and a fixed number of workers: each sends when it has its reply.
		err := attack(ctx, host(at), connections, vegeta.ConstantPacer{}, d, func(*vegeta.Result) { s.Requests++ })
		s.Seconds = time.Since(start).Seconds()
		return err
	})
	if err == nil && s.Requests == 0 {
		err = fmt.Errorf("no reply within %v", d)
	}
	return s, err
}

// Open implements workloads.Generator for servers of this package.
func Open(ctx context.Context, at workloads.Server, rate float64, d time.Duration) (record.Latency, error) {
	l := record.Latency{Generator: Generator, Asked: rate}
	latencies := load.NewLatencies()
	p := &pacer{Schedule: load.NewSchedule(rate), requests: uint64(max(1, int(rate*d.Seconds())))}
	sent := make([]time.Duration, p.requests) // after the start
	err := attack(ctx, host(at), load.OpenConnections, p, 0, func(r *vegeta.Result) {
		latencies.Add(r.End().Sub(p.Due(int(r.Seq))))
		sent[r.Seq] = r.Timestamp.Sub(p.Due(0))
	})
	if err != nil {
		return l, err
	}
	l.Requests, l.Seconds, l.Histogram = latencies.Count(), p.Since().Seconds(), latencies.Buckets()
	l.Kept = p.Kept(sent)
	return l, nil
}

// pacer sleeps by itself: see load.Schedule.
type pacer struct {
	load.Schedule
	requests uint64
}

// Pace implements vegeta.Pacer.
func (p *pacer) Pace(_ time.Duration, hits uint64) (wait time.Duration, stop bool) {
	if hits >= p.requests {
		return 0, true
	}
	p.Wait(int(hits))
	return 0, false
}

// Rate implements vegeta.Pacer.
func (p *pacer) Rate(time.Duration) float64 { return float64(p.requests) / p.Since().Seconds() }

// host is how a URL of the server begins.
func host(at workloads.Server) string {
	return "http://" + net.JoinHostPort(at.Address, strconv.Itoa(Port))
}

// attack sends requests and gives each right reply to seen. It stops at the first that
// is not right, and when ctx ends.
func attack(ctx context.Context, host string, connections int, p vegeta.Pacer, d time.Duration, seen func(*vegeta.Result)) error {
	client := &http.Client{
		Timeout: time.Minute, // that of load.Options
		Transport: &http.Transport{
			MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true,
			DialContext: (&net.Dialer{KeepAlive: -1}).DialContext,
		},
		// The server is the sandbox's: it says nobody where else to send requests.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	a := vegeta.NewAttacker(vegeta.Client(client), vegeta.Workers(uint64(connections)), vegeta.MaxWorkers(uint64(connections)), vegeta.MaxBody(maxBody))
	var next atomic.Int64
	target := func(t *vegeta.Target) error {
		t.Method, t.URL = http.MethodGet, host+"/hello/"+name(int(next.Add(1))-1)
		return nil
	}
	stop := context.AfterFunc(ctx, func() { a.Stop() })
	defer stop()
	var failure error
	for r := range a.Attack(target, p, d, "") {
		if failure != nil {
			continue // until those under way have ended
		}
		if failure = judge(r, host); failure != nil {
			a.Stop()
			continue
		}
		seen(r)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return failure
}

// judge tells a right reply from a wrong one, and a wrong one from none.
func judge(r *vegeta.Result, host string) error {
	path := strings.TrimPrefix(r.URL, host)
	if r.Code == 0 {
		return fmt.Errorf("GET %s: %w", path, errors.New(r.Error))
	}
	return check(path, strings.TrimPrefix(path, "/hello/"), int(r.Code), http.StatusText(int(r.Code)), r.Body, r.Error)
}
