package driver

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"hapscope/collectors"
	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/workloads"
)

// The fakes stand for the faults that real parts do not produce on demand; that
// the real ones work together is tested in the lab.

type fakeRuntime struct {
	requirements []record.Requirement
	createErr    error
	createFails  int // so often it returns createErr; 0 is always
	deleteErr    error
	dies         bool // the process ends before it is ready
	late         int  // that many first looks at the threads find one more each
	looks        int
	alive        int // sandboxes created and not deleted
	swept        int
	prepared     int // and not done
	prepares     int
	engine       string              // none where it is ""
	boots        *fakeUnikernels     // nil where it boots none
	booted       []*record.Unikernel // what sandboxes were to boot
}

// fakeUnikernels has every one that the plan names.
type fakeUnikernels struct{}

func (fakeUnikernels) Check(workload string, u *record.Unikernel) []record.Requirement {
	return []record.Requirement{{Name: "unikernel for " + workload, Met: u != nil, Detail: "none is named", Remedy: "build one"}}
}

func (fakeUnikernels) Tools(workload string, u record.Unikernel) ([]record.Tool, error) {
	return []record.Tool{{Name: "unikernel for " + workload, Path: u.Image}}, nil
}

func (f *fakeRuntime) Unikernels() runtimes.Unikernels {
	if f.boots == nil {
		return nil
	}
	return f.boots
}

func (f *fakeRuntime) Role(record.Thread) record.Role { return record.RoleWorkload }
func (f *fakeRuntime) Variant() string                { return "fake" }
func (f *fakeRuntime) Check(context.Context) record.VariantInfo {
	return record.VariantInfo{Name: "fake", Runtime: "fake", Engine: cmp.Or(f.engine, "none"), Requirements: f.requirements}
}
func (f *fakeRuntime) Tools(context.Context) ([]record.Tool, error) { return nil, nil }
func (f *fakeRuntime) Sweep(context.Context) ([]string, error)      { f.swept++; return nil, nil }
func (f *fakeRuntime) Prepare(context.Context) (func() error, error) {
	f.prepared++
	f.prepares++
	return func() error { f.prepared--; return nil }, nil
}
func (f *fakeRuntime) threads(string) ([]int, error) {
	f.looks++
	tids := []int{1}
	for i := range min(f.looks, f.late) {
		tids = append(tids, i+2)
	}
	return tids, nil
}
func (f *fakeRuntime) Create(_ context.Context, s runtimes.Spec) (runtimes.Sandbox, error) {
	if f.createErr != nil {
		err := f.createErr
		if f.createFails--; f.createFails == 0 {
			f.createErr = nil
		}
		return nil, err
	}
	if _, err := os.Stat(s.Scratch); err != nil {
		return nil, err
	}
	if f.prepared != 1 {
		return nil, errors.New("not prepared")
	}
	f.alive++
	f.booted = append(f.booted, s.Unikernel)
	return &fakeSandbox{runtime: f}, nil
}

type fakeSandbox struct {
	runtime *fakeRuntime
	deleted bool
}

func (s *fakeSandbox) Start(context.Context) error { return nil }
func (s *fakeSandbox) Address() string             { return "192.0.2.1" }
func (s *fakeSandbox) Cgroup() string              { return "/nowhere" }
func (s *fakeSandbox) Output() string              { return "last words" }
func (s *fakeSandbox) Running(context.Context) error {
	if s.runtime.dies {
		return errors.New("exit status 7")
	}
	return nil
}
func (s *fakeSandbox) Delete(context.Context) error {
	if !s.deleted {
		s.runtime.alive--
		s.deleted = true
	}
	return s.runtime.deleteErr
}

// fakeWorkload is ready at the third attempt, unless it never is.
type fakeWorkload struct {
	never     bool
	wrongAt   int // request that is answered wrongly; 0 for none
	cancelAt  int
	cancel    func()
	dials     int
	busy      float64 // share of its CPU time that the generator uses
	late      float64 // share of requests that it cannot send in time
	saturated int
	open      atomic.Int32
}

func (w *fakeWorkload) Name() string            { return "w" }
func (w *fakeWorkload) Packages() []string      { return nil }
func (w *fakeWorkload) Process() record.Process { return record.Process{Args: []string{"/bin/true"}} }
func (w *fakeWorkload) Dial(context.Context, string) (workloads.Client, error) {
	if w.dials++; w.never || w.dials < 3 {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	w.open.Add(1)
	return &fakeClient{w}, nil
}

// Saturate answers every request at once, and makes the generator as busy as told.
func (w *fakeWorkload) Saturate(_ context.Context, at workloads.Server, connections int, d time.Duration) (workloads.Saturation, error) {
	w.saturated++
	cpu, err := at.CPU()
	if w.wrongAt > 0 && w.saturated > 1 {
		err = &workloads.WrongReply{Request: "ping", Want: "pong", Got: "pang"}
	}
	if w.cancelAt > 0 && w.saturated == w.cancelAt {
		w.cancel()
	}
	return workloads.Saturation{Threads: 1, Throughput: record.Throughput{
		Generator: "fake", Connections: connections, Requests: 1000, Seconds: d.Seconds(), CPU: cpu, GeneratorCPU: w.busy * d.Seconds(),
	}}, err
}

func (w *fakeWorkload) Open(_ context.Context, _ workloads.Server, rate float64, d time.Duration) (record.Latency, error) {
	return record.Latency{Generator: "fake", Asked: rate, Kept: rate * (1 - w.late), Requests: 1, Seconds: d.Seconds(), Histogram: []record.Bucket{{Seconds: 0.001, Count: 1}}}, nil
}

type fakeClient struct{ w *fakeWorkload }

func (c *fakeClient) Do(_ context.Context, i int) error {
	switch {
	case c.w.wrongAt > 0 && i == c.w.wrongAt:
		return &workloads.WrongReply{Request: "ping", Want: "pong", Got: "pang"}
	case c.w.cancelAt > 0 && i == c.w.cancelAt:
		c.w.cancel()
	}
	return nil
}
func (c *fakeClient) Reconnect(context.Context) error { return nil }
func (c *fakeClient) Close() error                    { c.w.open.Add(-1); return nil }

type fakeCollector struct {
	lose      uint64
	beginErr  error
	following bool
	running   bool
	closed    int
	opened    int
	late      bool // a function comes into the universe with the first observation
	sample    bool
	grown     bool
}

func (c *fakeCollector) Name() string                                     { return "fake" }
func (c *fakeCollector) Check(context.Context) []record.Requirement       { return nil }
func (c *fakeCollector) Open(context.Context) (collectors.Session, error) { c.opened++; return c, nil }
func (c *fakeCollector) Sweep(context.Context) ([]string, error)          { return nil, nil }
func (c *fakeCollector) Follow(int) error                                 { c.following = true; return nil }
func (c *fakeCollector) Seed(collectors.Target) (int, error)              { return 0, nil }
func (c *fakeCollector) Forget() error                                    { c.following = false; return nil }
func (c *fakeCollector) Close() error                                     { c.closed++; return nil }
func (c *fakeCollector) Begin() error                                     { c.running = c.beginErr == nil; return c.beginErr }
func (c *fakeCollector) Prepare() error                                   { return nil }
func (c *fakeCollector) Stop() error                                      { return nil }
func (c *fakeCollector) Untraceable() int                                 { return 3 }
func (c *fakeCollector) Universe() []record.Function {
	universe := []record.Function{{Symbol: "a", Offset: 16}, {Symbol: "b", Offset: 32}}
	if c.grown {
		universe = append(universe, record.Function{Symbol: "late", Module: "m", Offset: 48})
	}
	return universe
}
func (c *fakeCollector) End(context.Context) (collectors.Observation, error) {
	c.running = false
	o := collectors.Observation{
		Events:    5,
		Functions: map[record.Context][]record.Hit{record.InProcess: {{Function: 0, Count: 4}, {Function: 1, Count: 1}}},
		Syscalls:  map[string]uint64{"read": 1},
	}
	o.Sample = c.sample
	if c.late {
		c.grown = true
		o.Functions[record.InProcess] = append(o.Functions[record.InProcess], record.Hit{Function: 2, Count: 7})
	}
	if c.lose > 0 {
		o.Lost = []uint64{0, c.lose}
	}
	return o, nil
}
