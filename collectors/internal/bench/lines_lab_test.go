//go:build lab

package bench

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"
)

// lines keeps the end of what a program prints.
type lines struct {
	count bool // and only counts what it prints on standard output

	mu   sync.Mutex
	text string
	n    int
	keys int // of a bpftrace map
}

func (l *lines) Write(b []byte) (int, error) {
	const most = 4000
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys += strings.Count(string(b), "@[")
	l.text += string(b)
	if len(l.text) > most {
		l.text = l.text[len(l.text)-most:]
	}
	return len(b), nil
}

func (l *lines) read(r io.Reader) {
	if !l.count {
		io.Copy(l, r)
		return
	}
	lost := 0
	for s := bufio.NewScanner(r); s.Scan(); {
		l.mu.Lock()
		l.n++
		l.mu.Unlock()
		if strings.Contains(s.Text(), "LOST") {
			lost++
		}
	}
	fmt.Fprintf(l, "%d lines, %d of them say that events were lost", l.n, lost)
}

func (l *lines) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys > 0 {
		return fmt.Sprintf("%d functions, in any context", l.keys)
	}
	return l.text
}
