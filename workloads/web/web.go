// Package web is the client and the oracle of the workloads that speak HTTP.
//
// Their servers answer GET /hello/NAME with "hello NAME EMAN" and a newline: a
// small page in the spirit of 2018's hello-world servers, but one that only a
// program which has read the request can write. A canned or cached reply, or
// that of another request, is a wrong one.
package web

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"

	"hapscope/workloads"
	"hapscope/workloads/once"
)

// Port is where the servers listen.
const Port = 8080

// maxBody is far more than a right reply has; the rest of a wrong one does not
// matter.
const maxBody = 4096

// maxReply is likewise for a reply with its headers, of which a server of ill will could
// send ever more.
const maxReply = 64 << 10

// Dial connects to a server at an IP address, without a request.
func Dial(ctx context.Context, address string) (workloads.Client, error) {
	return dial(ctx, net.JoinHostPort(address, strconv.Itoa(Port)))
}

// Reconnect implements workloads.Client.
func (c *client) Reconnect(ctx context.Context) error {
	if err := c.Close(); err != nil {
		return err
	}
	fresh, err := dial(ctx, c.hostport)
	if err != nil {
		return err
	}
	*c = *fresh
	return nil
}

func dial(ctx context.Context, hostport string) (*client, error) {
	conn, err := once.Dial(ctx, hostport)
	if err != nil {
		return nil, err
	}
	stream, err := conn.DialContext(ctx, "", "")
	if err != nil {
		return nil, err
	}
	left := &io.LimitedReader{R: stream}
	return &client{conn: conn, stream: stream, left: left, reader: bufio.NewReader(left), hostport: hostport}, nil
}

// client speaks HTTP on its connection itself. http.Transport gives a connection up
// whose request, by its own account, was still being written 50 ms after the reply
// had come (maxWriteWaitBeforeConnReuse), and under emulation that happens.
type client struct {
	conn     *once.Conn
	stream   net.Conn
	left     *io.LimitedReader // of what one reply may have
	reader   *bufio.Reader
	hostport string
	lost     bool // the connection can carry no further request
}

// Do implements workloads.Client.
func (c *client) Do(ctx context.Context, i int) error {
	name := name(i)
	path := "/hello/" + name
	if c.lost {
		return fmt.Errorf("GET %s: %w", path, once.ErrSpent)
	}
	c.lost = true // until there was a whole reply
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.hostport+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "hapscope")
	stop := c.conn.Until(ctx)
	defer stop()
	reply, body, err := c.exchange(request)
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, errors.Join(err, context.Cause(ctx)))
	}
	c.lost = reply.Close || len(body) == maxBody
	return check(path, name, reply.StatusCode, http.StatusText(reply.StatusCode), body, "")
}

// check is the oracle: it tells whether a reply is the one to GET path. trouble is what
// went wrong while the reply was read.
func check(path, name string, code int, status string, body []byte, trouble string) error {
	want := page(name)
	if code == http.StatusOK && string(body) == want && trouble == "" {
		return nil
	}
	got := fmt.Sprintf("%d %s %q", code, status, body)
	if trouble != "" {
		got += " (" + trouble + ")"
	}
	return &workloads.WrongReply{Request: "GET " + path, Want: fmt.Sprintf("200 OK %q", want), Got: got}
}

// exchange sends a request and reads the reply, of its body at most maxBody.
func (c *client) exchange(request *http.Request) (reply *http.Response, body []byte, err error) {
	c.left.N = maxReply
	if err := request.Write(c.stream); err != nil {
		return nil, nil, err
	}
	if reply, err = http.ReadResponse(c.reader, request); err != nil {
		return nil, nil, fmt.Errorf("read the reply: %w", err)
	}
	if body, err = io.ReadAll(io.LimitReader(reply.Body, maxBody)); err != nil {
		return nil, nil, fmt.Errorf("read the reply: %w", err)
	}
	return reply, body, nil
}

// Close implements workloads.Client.
func (c *client) Close() error { return c.conn.Close() }

// name is what request i asks for: always the same for the same i, of one
// length, and no other request's.
func name(i int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(i)))
	return hex.EncodeToString(sum[:8])
}

// page is the right reply.
func page(name string) string {
	reversed := []byte(name)
	slices.Reverse(reversed)
	return fmt.Sprintf("hello %s %s\n", name, reversed)
}
