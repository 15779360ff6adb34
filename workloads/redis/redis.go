// Package redis is the workloads redis-set and redis-get: the two commands of
// redis-benchmark that the measurements of 2018 used, on a server that writes
// nothing to disk.
package redis

import (
	"context"

	"hapscope/record"
	"hapscope/workloads"
)

// Set returns the workload redis-set: every request writes a key.
func Set() workloads.Workload { return workload{"redis-set"} }

// Get returns the workload redis-get: every request reads a key.
func Get() workloads.Workload { return workload{"redis-get"} }

type workload struct{ name string }

func (w workload) Name() string     { return w.name }
func (workload) Packages() []string { return []string{"redis-server"} }

func (workload) Process() record.Process {
	return record.Process{
		Args: []string{
			"/usr/bin/redis-server",
			"--bind", "0.0.0.0", "--port", "6379",
			"--protected-mode", "no", // the sandbox has one way in, which is ours
			"--daemonize", "no",
			"--save", "", "--appendonly", "no", // no snapshots and no log: a fork at the wrong moment would be in the count
		},
		Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"},
		Cwd: "/tmp",
	}
}

func (w workload) Dial(ctx context.Context, address string) (workloads.Client, error) {
	c, err := dial(ctx, address+":6379")
	if err != nil {
		return nil, err
	}
	if w.name == "redis-get" {
		return &getClient{client: c}, nil
	}
	return newSetClient(c), nil
}
