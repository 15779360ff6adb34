package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hapscope/workloads"
	"hapscope/workloads/once"
)

// serve starts a server and counts its connections.
func serve(t *testing.T, h http.HandlerFunc) (hostport string, connections *atomic.Int64) {
	connections = new(atomic.Int64)
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), connections
}

func right(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, page(strings.TrimPrefix(r.URL.Path, "/hello/")))
}

func connect(t *testing.T, hostport string) *client {
	c, err := dial(t.Context(), hostport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestRightReplies(t *testing.T) {
	hostport, connections := serve(t, right)
	c := connect(t, hostport)
	for i := range 50 {
		if err := c.Do(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestWrongReplies(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"empty":     func(http.ResponseWriter, *http.Request) {},
		"canned":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page(name(0))) },
		"echo":      func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) },
		"more":      func(w http.ResponseWriter, r *http.Request) { right(w, r); fmt.Fprint(w, "!") },
		"not found": http.NotFound,
		"created":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated); right(w, r) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/again") {
				right(w, r)
				return
			}
			http.Redirect(w, r, r.URL.Path+"/again", http.StatusFound)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for range 1000 {
				w.Write(make([]byte, 1<<10))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			hostport, _ := serve(t, h)
			err := connect(t, hostport).Do(t.Context(), 1)
			var wrong *workloads.WrongReply
			if !errors.As(err, &wrong) || !strings.Contains(wrong.Request, "/hello/") {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// A server that closes its connections would be given another one by most
// clients. Here it fails.
func TestLostConnection(t *testing.T) {
	hostport, connections := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		right(w, r)
	})
	c := connect(t, hostport)
	if err := c.Do(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), 1); !errors.Is(err, once.ErrSpent) {
		t.Errorf("err = %v", err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestNoAnswer(t *testing.T) {
	release := make(chan struct{})
	hostport, _ := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := connect(t, hostport).Do(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := dial(t.Context(), l.Addr().String()); err == nil {
		t.Error("connected to nobody")
	}
}

func TestContent(t *testing.T) {
	if got, want := page("0a1b"), "hello 0a1b b1a0\n"; got != want {
		t.Errorf("page = %q, want %q", got, want)
	}
	seen := map[string]bool{}
	for i := range 1000 {
		if n := name(i); seen[n] || len(n) != 16 || n != name(i) {
			t.Fatalf("name(%d) = %q", i, n)
		}
		seen[name(i)] = true
	}
}

func TestReconnect(t *testing.T) {
	hostport, connections := serve(t, right)
	c := connect(t, hostport)
	for i := range 5 {
		if err := c.Reconnect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Do(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 6 { // the first and five more
		t.Errorf("%d connections, want 6", n)
	}
}
