// Package python is the workload python-tornado: a web server in Python.
package python

import (
	"context"
	_ "embed"
	"time"

	"hapscope/record"
	"hapscope/workloads"
	"hapscope/workloads/web"
)

//go:embed server.py
var server string

// Tornado returns the workload python-tornado.
func Tornado() workloads.Workload { return tornado{} }

type tornado struct{}

func (tornado) Name() string       { return "python-tornado" }
func (tornado) Packages() []string { return []string{"python3-tornado"} }

func (tornado) Process() record.Process {
	const path = "/srv/server.py"
	return record.Process{
		Args:  []string{"/usr/bin/python3", path},
		Env:   []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"},
		Cwd:   "/srv",
		Files: map[string]string{path: server},
	}
}

func (tornado) Dial(ctx context.Context, address string) (workloads.Client, error) {
	return web.Dial(ctx, address)
}

func (tornado) Saturate(ctx context.Context, at workloads.Server, connections int, d time.Duration) (workloads.Saturation, error) {
	return web.Saturate(ctx, at, connections, d)
}

func (tornado) Open(ctx context.Context, at workloads.Server, rate float64, d time.Duration) (record.Latency, error) {
	return web.Open(ctx, at, rate, d)
}
