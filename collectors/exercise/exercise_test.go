package exercise

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"hapscope/record"
)

func TestRun(t *testing.T) {
	e := Exercise{Getppid: 3, Pread: 3, Forks: 3, Life: time.Millisecond, Syncs: 3}
	if err := e.Run(); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := e.Serve(strings.NewReader("ab"), &out); err != nil || out.String() != "\x01ab" {
		t.Errorf("served %q, %v", out.String(), err)
	}
}

func TestParse(t *testing.T) {
	e, err := Parse(Standard().String())
	if err != nil || e != Standard() {
		t.Errorf("%v, %v", e, err)
	}
	for _, bad := range []string{"", "{", `{"more":1}`, `{"forks":-1}`} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestIn(t *testing.T) {
	universe := []record.Function{{Symbol: "__do_sys_getppid"}, {Symbol: "__x64_sys_pread64"}, {Module: "m", Symbol: "__x64_sys_fork"}}
	hits := []record.Hit{{Function: 0, Count: 7}, {Function: 2, Count: 9}}
	want := []struct {
		n     uint64
		known bool
	}{{7, true}, {0, true}, {0, false}, {0, false}, {0, false}}
	for i, e := range Standard().Expected() {
		if n, known := e.In(universe, hits); n != want[i].n || known != want[i].known {
			t.Errorf("%s: %d, %v", e.Name, n, known)
		}
	}
}
