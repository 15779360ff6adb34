package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hapscope/workloads"
)

// server speaks as much of Redis' protocol as the workloads use. A test makes
// it misbehave with answer, which returns "" where it leaves things as they are.
type server struct {
	listener net.Listener
	answer   func(command []string) string

	mu       sync.Mutex
	commands []string
	data     map[string]string
	accepted int
}

func newServer(t *testing.T, answer func([]string) string) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &server{listener: l, answer: answer, data: map[string]string{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.accepted++
			s.mu.Unlock()
			go s.serve(c)
		}
	}()
	return s
}

func (s *server) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		command, err := readCommand(r)
		if err != nil {
			return
		}
		reply := s.reply(command)
		if reply == "close" {
			return
		}
		io.WriteString(c, reply)
	}
}

func readCommand(r *bufio.Reader) (words []string, err error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	for range n {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, err := strconv.Atoi(strings.TrimSpace(line[1:]))
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		words = append(words, string(b[:size]))
	}
	return words, err
}

func bulk(v string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(v), v) }

func (s *server) reply(command []string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	verb := strings.ToUpper(command[0])
	s.commands = append(s.commands, verb)
	if s.answer != nil {
		if a := s.answer(command); a != "" {
			return a
		}
	}
	switch verb {
	case "PING":
		return "+PONG\r\n"
	case "SET", "MSET":
		for i := 1; i+1 < len(command); i += 2 {
			s.data[command[i]] = command[i+1]
		}
		return "+OK\r\n"
	case "GET":
		if v, ok := s.data[command[1]]; ok {
			return bulk(v)
		}
		return "$-1\r\n"
	}
	return "-ERR unknown command\r\n"
}

func (s *server) client(t *testing.T) *client {
	c, err := dial(t.Context(), s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (s *server) setClient(t *testing.T) *setClient { return newSetClient(s.client(t)) }
func (s *server) getClient(t *testing.T) *getClient { return &getClient{client: s.client(t)} }

// During the load nothing but the load's own commands goes over the one
// connection.
func TestOnlyItsOwnCommands(t *testing.T) {
	s := newServer(t, nil)
	set, get := s.setClient(t), s.getClient(t)
	if err := get.Do(t.Context(), 0); err != nil {
		t.Errorf("before Prepare, with no such key: %v", err)
	}
	if err := get.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.commands = nil
	for i := range 250 {
		// Both use the same keys: the reader asks for one that is not written again.
		if err := errors.Join(set.Do(t.Context(), i%50), get.Do(t.Context(), 50+i%50)); err != nil {
			t.Fatal(err)
		}
	}
	counts := map[string]int{}
	for _, c := range s.commands {
		counts[c]++
	}
	if len(counts) != 2 || counts["SET"] != 250 || counts["GET"] != 250 || s.accepted != 2 {
		t.Errorf("commands %v over %d connections", counts, s.accepted)
	}
}

func TestGet(t *testing.T) {
	s := newServer(t, nil)
	c := s.getClient(t)
	if err := c.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 250 {
		if err := c.Do(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSetAndVerify(t *testing.T) {
	s := newServer(t, nil)
	c := s.setClient(t)
	for i := range 250 {
		if err := c.Do(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if len(s.data) != keys {
		t.Errorf("%d keys, want %d", len(s.data), keys)
	}
	s.data[key(3)] = value(1003) // another connection was at work
	if err := c.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWrongReplies(t *testing.T) {
	only := func(verb, reply string) func([]string) string {
		return func(command []string) string {
			if strings.EqualFold(command[0], verb) {
				return reply
			}
			return ""
		}
	}
	set := func(t *testing.T, s *server) error {
		c := s.setClient(t)
		for i := range 250 {
			if err := c.Do(t.Context(), i); err != nil {
				return err
			}
		}
		return c.Verify(t.Context())
	}
	get := func(t *testing.T, s *server) error {
		c := s.getClient(t)
		if err := c.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c.Do(t.Context(), 7)
	}
	for name, c := range map[string]struct {
		run    func(*testing.T, *server) error
		answer func([]string) string
	}{
		"SET is refused":        {set, only("SET", "-OOM command not allowed\r\n")},
		"SET is queued":         {set, only("SET", "+QUEUED\r\n")},
		"SET is said, not done": {set, only("SET", "+OK\r\n")},
		"the last SET is lost": {set, func(c []string) string {
			if c[0] == "SET" && c[2] == value(249) {
				return "+OK\r\n"
			}
			return ""
		}},
		"GET of nothing":          {get, only("GET", "$-1\r\n")},
		"GET of another key":      {get, only("GET", bulk(value(8)))},
		"GET of a cut value":      {get, only("GET", bulk(value(7)[:63]))},
		"GET of an empty value":   {get, only("GET", "$0\r\n\r\n")},
		"GET is refused":          {get, only("GET", "-LOADING dataset in memory\r\n")},
		"GET answers before Fill": {func(t *testing.T, s *server) error { return s.getClient(t).Do(t.Context(), 0) }, only("GET", bulk("x"))},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.run(t, newServer(t, c.answer))
			if !errors.As(err, new(*workloads.WrongReply)) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// Where there is no reply at all, that is no wrong reply, and there is no
// second connection.
func TestLostConnection(t *testing.T) {
	s := newServer(t, func(c []string) string {
		if c[0] == "SET" && c[2] == value(5) {
			return "close"
		}
		return ""
	})
	c := s.setClient(t)
	for i := range 5 {
		if err := c.Do(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	err := c.Do(t.Context(), 5)
	if err == nil || errors.As(err, new(*workloads.WrongReply)) {
		t.Errorf("err = %v", err)
	}
	if err := c.Do(t.Context(), 6); err == nil || errors.As(err, new(*workloads.WrongReply)) {
		t.Errorf("err = %v", err)
	}
	if s.accepted != 1 {
		t.Errorf("%d connections, want 1", s.accepted)
	}
}

func TestNoAnswer(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := newServer(t, func(c []string) string {
		if c[0] == "SET" {
			<-release
		}
		return ""
	})
	c := s.setClient(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Do(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
}

func TestContent(t *testing.T) {
	if got, want := key(142), "key:000000000042"; got != want {
		t.Errorf("key = %q, want %q", got, want)
	}
	for i := range 1000 {
		v := value(i)
		if got, ok := request(v); len(v) != 64 || !ok || got != i {
			t.Fatalf("value(%d) = %q, of request %d, %v", i, v, got, ok)
		}
	}
	for _, v := range []string{"", ":", "-00000000001:", value(1)[:63] + "x", "000000000001:"} {
		if i, ok := request(v); ok {
			t.Errorf("%q is taken for the value of request %d", v, i)
		}
	}
}
