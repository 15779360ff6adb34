package redis

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hapscope/workloads"
)

// The texts are those of redis-benchmark and redis-server 8.0.2.
func captured(t testing.TB, name string) string {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseRate(t *testing.T) {
	text := captured(t, "benchmark.csv")
	if rate, err := parseRate(text, "set"); err != nil || rate != 2298.85 {
		t.Errorf("%v, %v", rate, err)
	}
	for _, bad := range []string{"", "\"test\",\"rps\"\n", strings.Replace(text, "2298.85", "nan", 1), strings.Replace(text, "2298.85", "0.00", 1), "\"SET"} {
		if rate, err := parseRate(bad, "set"); err == nil {
			t.Errorf("%q is a rate of %v", bad, rate)
		}
	}
	if _, err := parseRate(text, "get"); err == nil {
		t.Error("the rate of SET is that of GET")
	}
}

func TestParseStats(t *testing.T) {
	text := captured(t, "info")
	for command, want := range map[string]stats{
		"set": {"8.0.2", 1000, 0, 1}, "get": {"8.0.2", 2, 0, 1}, "mset": {"8.0.2", 0, 0, 1},
	} {
		if s, err := parseStats(text, command); err != nil || s != want {
			t.Errorf("%s: %+v, %v", command, s, err)
		}
	}
	if s, err := parseStats(strings.Replace(text, "failed_calls=0", "failed_calls=3", 1), "set"); err != nil || s.failed != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", strings.Replace(text, "calls=1000", "calls=x", 1)} {
		if s, err := parseStats(bad, "set"); err == nil {
			t.Errorf("%q is read as %+v", bad, s)
		}
	}
}

// What the server says that it has done must be what was asked of it.
func TestVerifyBenchmark(t *testing.T) {
	before := stats{calls: 10, misses: 4}
	for name, c := range map[string]struct {
		workload workload
		after    stats
		spoil    func(*server)
		ok       bool
	}{
		"all right":      {workload{"redis-get"}, stats{calls: 110, misses: 4}, nil, true},
		"one not done":   {workload{"redis-set"}, stats{calls: 109, misses: 4}, nil, false},
		"one too many":   {workload{"redis-set"}, stats{calls: 111, misses: 4}, nil, false},
		"one failed":     {workload{"redis-set"}, stats{calls: 110, misses: 4, failed: 1}, nil, false},
		"one not found":  {workload{"redis-get"}, stats{calls: 110, misses: 5}, nil, false},
		"a key is gone":  {workload{"redis-set"}, stats{calls: 110, misses: 4}, func(s *server) { delete(s.data, key(7)) }, false},
		"a value is cut": {workload{"redis-set"}, stats{calls: 110, misses: 4}, func(s *server) { s.data[key(7)] = "x" }, false},
		"another value":  {workload{"redis-get"}, stats{calls: 110, misses: 4}, func(s *server) { s.data[key(7)] = value(107) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			client := s.client(t)
			if err := (&getClient{client: client}).Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				c.spoil(s)
			}
			err := c.workload.verify(t.Context(), client, before, c.after, 100)
			if (err == nil) != c.ok || err != nil && !errors.As(err, new(*workloads.WrongReply)) {
				t.Errorf("err = %v", err)
			}
		})
	}
}
