package containerd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"hapscope/runtimes/shim"
)

// relay is where stand-ins call.
type relay struct {
	dir      string
	listener *net.UnixListener

	mu    sync.Mutex
	lines map[string]*line // by the id of a sandbox
}

// line is where the calls for one sandbox wait for the thread that has asked for it.
type line struct {
	standIn string // path
	shim    string // path
	record  string // file for address
	calls   chan *call

	mu      sync.Mutex
	bundle  string // directory in which containerd has started the shim
	address string // of the shim's daemon
}

// listen starts a relay.
func listen(dir string) (*relay, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketFile), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("wait for stand-ins: %w", err)
	}
	r := &relay{dir: dir, listener: l, lines: map[string]*line{}}
	go func() {
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return // closed
			}
			go r.take(conn)
		}
	}()
	return r, nil
}

func (r *relay) close() error { return r.listener.Close() }

// expect makes a stand-in for a shim, and has calls for a sandbox wait. The stand-in's
// path depends on the shim only: newer containerds remember what they know of a path.
func (r *relay) expect(id, program string) (*line, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program of the stand-in: %w", err)
	}
	dir := filepath.Join(r.dir, strings.ReplaceAll(strings.TrimPrefix(program, "/"), "/", "-"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a stand-in: %w", err)
	}
	for name, target := range map[string]string{standInName: self, shimLink: program} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make a stand-in: %w", err)
		}
	}
	l := &line{standIn: filepath.Join(dir, standInName), shim: program, record: filepath.Join(r.dir, id), calls: make(chan *call)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines[id] = l
	return l, nil
}

// forget ends the waiting for a sandbox's calls.
func (r *relay) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.lines, id)
}

// take takes a call and hands it to the sandbox's thread when that comes to it.
func (r *relay) take(conn *net.UnixConn) {
	c, err := receive(conn)
	if err != nil {
		conn.Close()
		return
	}
	r.mu.Lock()
	l := r.lines[sandboxOf(c.Args)]
	r.mu.Unlock()
	if l == nil {
		c.answer(answer{Status: 1, Message: "no sandbox of that id is here"})
		return
	}
	select {
	case l.calls <- c:
	case <-c.gone: // containerd has waited long enough
		c.close()
	}
}

// sandboxOf is the sandbox's id in a shim's arguments.
func sandboxOf(args []string) string {
	if i := slices.Index(args, "-id"); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// during makes a request on a thread of its own, while this one forks what containerd
// asks for to answer it.
func (l *line) during(ctx context.Context, request func() error) error {
	done := make(chan error, 1)
	go func() { done <- request() }()
	for {
		select {
		case err := <-done:
			return err
		case c := <-l.calls:
			c.run(ctx, l.shim, l.note)
		}
	}
}

// note remembers what a shim that was started has left, in case that it has to be
// removed by force: here, and for the next hapscope.
func (l *line) note(dir string, output []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bundle = dir
	if address := addressIn(output); strings.HasPrefix(address, "unix://") {
		l.address = address
		os.WriteFile(l.record, []byte(address), 0o600)
	}
}

// addressIn is the address of its daemon in what a shim prints: alone, or as containerd
// 2 takes it, too, among other things in JSON.
func addressIn(output []byte) string {
	var bootstrap struct {
		Address string `json:"address"`
	}
	if json.Unmarshal(output, &bootstrap) == nil {
		return bootstrap.Address
	}
	return strings.TrimSpace(string(output))
}

// remains returns what was noted, and forgets it.
func (l *line) remains() (address, bundle string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	os.Remove(l.record)
	return l.address, l.bundle
}

// sweepSockets removes those of shims that a killed hapscope has noted.
func sweepSockets(dir string) {
	records, _ := filepath.Glob(filepath.Join(dir, shim.IDPrefix+"*"))
	for _, r := range records {
		if address, err := os.ReadFile(r); err == nil {
			shim.RemoveSocket(string(address))
		}
	}
}

// receive reads a call.
func receive(conn *net.UnixConn) (*call, error) {
	// The streams come with the first byte.
	first, rights := make([]byte, 1), make([]byte, rightsSpace)
	n, rn, _, _, err := conn.ReadMsgUnix(first, rights)
	if err != nil || n != 1 {
		return nil, fmt.Errorf("receive a call: %w", errors.Join(err, errors.New("nothing came")))
	}
	c := &call{conn: conn, gone: make(chan struct{})}
	if c.files, err = filesOf(rights[:rn]); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(conn).Decode(c); err != nil {
		c.closeFiles()
		return nil, fmt.Errorf("receive a call: %w", err)
	}
	go func() {
		defer close(c.gone)
		conn.Read(first) // until the stand-in has ended: it says nothing more
	}()
	return c, nil
}
