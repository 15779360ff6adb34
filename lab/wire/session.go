package wire

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/yamux"
)

// The keepalive's times. Under TCG with a tracer armed on every function the
// guest may not get to answer for many seconds; a stopped VM is to be noticed
// within a minute.
const (
	keepAlive    = 15 * time.Second
	writeTimeout = 40 * time.Second
)

// Config of both ends of the session.
func session() *yamux.Config {
	c := yamux.DefaultConfig()
	c.KeepAliveInterval = keepAlive
	c.ConnectionWriteTimeout = writeTimeout
	c.StreamOpenTimeout = 0  // the keepalive notices a dead peer
	c.StreamCloseTimeout = 0 // a command may run on long after its stdin ended
	c.LogOutput = io.Discard // its errors come back to the callers as well
	return c
}

// Host is the host's end of the session over conn.
func Host(conn io.ReadWriteCloser) (*yamux.Session, error) {
	return yamux.Client(conn, session())
}

// Guest is the guest's end of the session over conn.
func Guest(conn io.ReadWriteCloser) (*yamux.Session, error) {
	return yamux.Server(conn, session())
}

// Write sends v as one line.
func Write(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %T: %w", v, err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// maxLine bounds a message: arguments and environment of a command are the
// largest part, and Linux bounds those at 2 MiB by default.
const maxLine = 4 << 20

// ReadLine reads one line into v, byte for byte: what follows the line stays
// unread, because another protocol may follow it.
func ReadLine(r io.Reader, v any) error {
	var line []byte
	var b [1]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			if len(line) > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if b[0] == '\n' {
			break
		}
		if len(line) == maxLine {
			return fmt.Errorf("message of more than %d bytes", maxLine)
		}
		line = append(line, b[0])
	}
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("decode %T from %q: %w", v, line, err)
	}
	return nil
}

// Decoder reads the lines that follow a stream's header.
func Decoder(r io.Reader) *json.Decoder { return json.NewDecoder(bufio.NewReader(r)) }
