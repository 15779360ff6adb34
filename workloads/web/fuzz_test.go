package web

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hapscope/workloads"
	"hapscope/workloads/once"
)

// A server that sends its reply to another place gets no further request, and none to
// that place: the load is for the sandbox alone.
func TestRedirectIsNotFollowed(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other server was asked") }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) }))
	defer server.Close()
	err := attack(t.Context(), server.URL, 1, onePacer{}, time.Second, nil)
	if err == nil || !strings.Contains(err.Error(), "302") {
		t.Errorf("got %v", err)
	}
}

// onePacer sends one request.
type onePacer struct{}

func (onePacer) Pace(_ time.Duration, hits uint64) (time.Duration, bool) { return 0, hits > 0 }
func (onePacer) Rate(time.Duration) float64                              { return 1 }

// A reply without end is no reply, and takes no more memory than one may have.
func TestEndlessHeaders(t *testing.T) {
	hostport := listen(t, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-More: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
				return
			}
		}
	})
	c := connect(t, hostport)
	if err := c.Do(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("got %v", err)
	}
}

func listen(t *testing.T, serve func(net.Conn)) (hostport string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); serve(c) }()
		}
	}()
	return l.Addr().String()
}

// FuzzReply lets a server say anything: only the right page is one.
func FuzzReply(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: " + "40\r\n\r\n" + page(name(0))))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 500 x\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		left := &io.LimitedReader{R: bytes.NewReader(said)}
		c := &client{conn: new(once.Conn), stream: deaf{}, left: left, reader: bufio.NewReader(left), hostport: "h"}
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://h/hello/"+name(0), nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, body, err := c.exchange(request)
		if err != nil {
			return
		}
		if len(body) > maxBody {
			t.Errorf("a body of %d bytes", len(body))
		}
		err = check("/hello/"+name(0), name(0), reply.StatusCode, "", body, "")
		if right := string(body) == page(name(0)) && reply.StatusCode == http.StatusOK; (err == nil) != right {
			t.Errorf("%q: %v", said, err)
		}
		if _, wrong := err.(*workloads.WrongReply); err != nil && !wrong {
			t.Errorf("%T", err)
		}
	})
}

// deaf is a connection that takes all that is written.
type deaf struct{ net.Conn }

func (deaf) Write(p []byte) (int, error) { return len(p), nil }
