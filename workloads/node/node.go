// Package node is the workload node-express: a web server in JavaScript.
package node

import (
	"context"
	_ "embed"
	"time"

	"hapscope/record"
	"hapscope/workloads"
	"hapscope/workloads/web"
)

//go:embed server.js
var server string

// Express returns the workload node-express.
func Express() workloads.Workload { return express{} }

type express struct{}

func (express) Name() string       { return "node-express" }
func (express) Packages() []string { return []string{"node-express"} }

func (express) Process() record.Process {
	const path = "/srv/server.js"
	return record.Process{
		Args: []string{"/usr/bin/node", path},
		Env: []string{
			"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
			"LANG=C.UTF-8",
			"NODE_ENV=production",         // as Express's own guide asks for
			"NODE_PATH=/usr/share/nodejs", // where Debian's packages put modules
		},
		Cwd:   "/srv",
		Files: map[string]string{path: server},
	}
}

func (express) Dial(ctx context.Context, address string) (workloads.Client, error) {
	return web.Dial(ctx, address)
}

func (express) Saturate(ctx context.Context, at workloads.Server, connections int, d time.Duration) (workloads.Saturation, error) {
	return web.Saturate(ctx, at, connections, d)
}

func (express) Open(ctx context.Context, at workloads.Server, rate float64, d time.Duration) (record.Latency, error) {
	return web.Open(ctx, at, rate, d)
}
