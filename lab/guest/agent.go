package guest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/yamux"
	"golang.org/x/sys/unix"

	"hapscope/lab/wire"
)

// agent answers the host until the host goes away.
func agent() error {
	port, err := openPort(wire.PortName)
	if err != nil {
		return err
	}
	defer port.Close()
	hello, err := greeting()
	if err != nil {
		return err
	}
	if err := wire.Write(port, hello); err != nil {
		return fmt.Errorf("greet the host: %w", err)
	}
	session, err := wire.Guest(port)
	if err != nil {
		return fmt.Errorf("talk to the host: %w", err)
	}
	defer session.Close()
	return serve(session)
}

func greeting() (h wire.Hello, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return h, fmt.Errorf("uname: %w", err)
	}
	h.Release = unix.ByteSliceToString(u.Release[:])
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return h, fmt.Errorf("read the uptime: %w", err)
	}
	first, _, _ := strings.Cut(string(b), " ")
	h.Uptime, err = strconv.ParseFloat(first, 64)
	return h, err
}

// serve runs the commands of a session, each as its streams arrive.
func serve(session *yamux.Session) error {
	d := desk{streams: map[uint64]map[wire.Kind]net.Conn{}}
	d.arrived = sync.NewCond(&d.mu)
	for {
		s, err := session.Accept()
		if errors.Is(err, io.EOF) || errors.Is(err, yamux.ErrSessionShutdown) {
			return nil // the host has closed: the machine has done its work
		}
		if err != nil {
			return fmt.Errorf("accept from the host: %w", err)
		}
		go d.receive(s)
	}
}

// desk puts the streams of a command together.
type desk struct {
	mu      sync.Mutex
	arrived *sync.Cond
	streams map[uint64]map[wire.Kind]net.Conn
}

func (d *desk) receive(s net.Conn) {
	var h wire.Header
	if err := wire.ReadLine(s, &h); err != nil {
		fmt.Fprintln(os.Stderr, "hapscope lab agent: a stream without a header:", err)
		s.Close()
		return
	}
	if h.Kind == wire.Control && h.Request != nil {
		c := d.collect(h.Command)
		c.request, c.control = *h.Request, s
		c.run()
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.streams[h.Command] == nil {
		d.streams[h.Command] = map[wire.Kind]net.Conn{}
	}
	d.streams[h.Command][h.Kind] = s
	d.arrived.Broadcast()
}

// collect waits for the three data streams of a command. The host opens them
// before the control stream, so they are under way.
func (d *desk) collect(id uint64) *command {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		s := d.streams[id]
		if s[wire.Stdin] != nil && s[wire.Stdout] != nil && s[wire.Stderr] != nil {
			delete(d.streams, id)
			return &command{stdin: s[wire.Stdin], stdout: s[wire.Stdout], stderr: s[wire.Stderr]}
		}
		d.arrived.Wait()
	}
}
