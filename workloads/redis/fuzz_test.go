package redis

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// A head that announces more than fits is an error before the library believes it.
func TestBoundedReplies(t *testing.T) {
	for text, ok := range map[string]bool{
		"$3\r\nabc\r\n$-1\r\n+OK\r\n:7\r\n-ERR no\r\n": true,
		"$9223372036854775807\r\n":                     false,
		"+OK\r\n$99999999999\r\n":                      false,
		"*2000000\r\n":                                 false,
		"$5\r\n$9999":                                  true, // within a string
		"$x\r\n":                                       false,
		"*0\r\n":                                       true,
	} {
		for _, size := range []int{1, 3, len(text)} { // however it comes
			var h heads
			var err error
			for rest := []byte(text); len(rest) > 0 && err == nil; rest = rest[min(size, len(rest)):] {
				err = h.take(rest[:min(size, len(rest))])
			}
			if (err == nil) != ok || err != nil && !errors.Is(err, errReply) {
				t.Errorf("%q by %d: %v", text, size, err)
			}
		}
	}
}

// wire is a connection on which a fixed text comes in.
type wire struct {
	net.Conn
	in io.Reader
}

func (w *wire) Read(p []byte) (int, error)  { return w.in.Read(p) }
func (w *wire) Write(p []byte) (int, error) { return len(p), nil }
func (w *wire) Close() error                { return nil }

func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// FuzzReply lets a server say anything: the library must neither panic nor take more
// memory than a reply may have.
func FuzzReply(f *testing.F) {
	info := captured(f, "info")
	f.Add(fmt.Appendf(nil, "$%d\r\n%s\r\n", len(info), info))
	for _, s := range []string{"+OK\r\n", "$64\r\n", "$-1\r\n", ":12\r\n", "-ERR unknown command\r\n", "*1\r\n$9999999999\r\n", "$9223372036854775807\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		c := redis.NewConn(&bounded{Conn: &wire{in: bytes.NewReader(said)}}, 0, 0)
		for range 3 {
			text, err := redis.String(c.Do("GET", "k"))
			if err == nil && len(text) > maxReply {
				t.Errorf("a reply of %d bytes", len(text))
			}
		}
	})
}

// FuzzBenchmark reads what redis-benchmark and INFO print.
func FuzzBenchmark(f *testing.F) {
	f.Add(captured(f, "benchmark.csv"), captured(f, "info"))
	f.Add("\"SET\",\"inf\"\n", "keyspace_misses:-1\n")
	f.Fuzz(func(t *testing.T, table, info string) {
		if rate, err := parseRate(table, "set"); err == nil && !(rate > 0 && rate <= 1e12) {
			t.Errorf("a rate of %v", rate)
		}
		if s, err := parseStats(info, "set"); err == nil && !strings.Contains(info, "keyspace_misses") {
			t.Errorf("%+v", s)
		}
	})
}
