package redis

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// maxReply bounds a reply, in bytes; the longest right one is that to INFO, of some
// 10 KiB.
const maxReply = 1 << 20

// errReply says that a server announces more than any right reply has.
var errReply = errors.New("the server announces a reply that no server of its kind gives")

// bounded is a connection whose replies are bounded. The client library takes as much
// memory as a reply's head asks for, and the head is written by the sandbox: a server
// of ill will could end hapscope with one line.
type bounded struct {
	net.Conn
	heads heads
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if e := b.heads.take(p[:n]); e != nil {
		return 0, e
	}
	return n, err
}

// heads follows the heads of replies (RESP2): a type, a number for those that have a
// length, and the end of the line.
type heads struct {
	line []byte // what there is of a head
	skip int    // bytes of a bulk string that are still to come, with its end of line
}

// take looks at what came.
func (h *heads) take(p []byte) error {
	for len(p) > 0 {
		if h.skip > 0 {
			n := min(h.skip, len(p))
			h.skip -= n
			p = p[n:]
			continue
		}
		c := p[0]
		p = p[1:]
		if c != '\n' {
			if len(h.line) == maxReply {
				return fmt.Errorf("%w: a line of more than %d bytes", errReply, maxReply)
			}
			h.line = append(h.line, c)
			continue
		}
		err := h.end()
		h.line = h.line[:0]
		if err != nil {
			return err
		}
	}
	return nil
}

// end looks at a whole head.
func (h *heads) end() error {
	if len(h.line) == 0 || h.line[0] != '$' && h.line[0] != '*' {
		return nil
	}
	text := string(h.line[1:])
	if len(text) > 0 && text[len(text)-1] == '\r' {
		text = text[:len(text)-1]
	}
	n, err := strconv.Atoi(text)
	if err != nil || n > maxReply {
		return fmt.Errorf("%w: %q", errReply, h.line)
	}
	if h.line[0] == '*' && n > 0 {
		return fmt.Errorf("%w: an array", errReply) // to none of the commands that are sent
	}
	if h.line[0] == '$' && n >= 0 {
		h.skip = n + len("\r\n")
	}
	return nil
}
