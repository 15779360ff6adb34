//go:build lab

package syscalls

import (
	"context"
	"testing"
	"time"

	"hapscope/collectors"
	"hapscope/collectors/internal/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m, nil) }

func open(t *testing.T, o Options) collectors.Session {
	t.Helper()
	s, err := New(o).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		labtest.Leftovers(t)
	})
	return s
}

// launched observes a helper from before its start.
func launched(t *testing.T, s collectors.Session, role string) (o collectors.Observation) {
	t.Helper()
	err := labtest.Launch(func(tid int) error {
		if err := s.Follow(tid); err != nil {
			return err
		}
		if err := s.Begin(); err != nil {
			return err
		}
		labtest.Getppid(1234)
		if err := labtest.Command(role).Run(); err != nil {
			return err
		}
		var err error
		o, err = s.End(context.Background())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events, %d of hapscope's own, lost %v: %v", o.Events, o.Own, o.Lost, o.Syscalls)
	return o
}

func TestCountsExactly(t *testing.T) {
	s := open(t, Options{})
	for role, want := range map[string]struct{ calls, execs uint64 }{
		labtest.Now:  {labtest.Calls, 1},
		labtest.Fork: {labtest.Calls * labtest.Children, labtest.Children + 1},
	} {
		t.Run(role, func(t *testing.T) {
			o := launched(t, s, role)
			if o.Lost != nil {
				t.Errorf("lost %v", o.Lost)
			}
			if n := o.Syscalls["getppid"]; n != want.calls {
				t.Errorf("%d calls were counted, want %d", n, want.calls)
			}
			if n := o.Syscalls["execve"]; n != want.execs {
				t.Errorf("%d execs were counted, want %d", n, want.execs)
			}
			if o.Own < 1234 {
				t.Errorf("%d events of the launcher, want at least 1234", o.Own)
			}
		})
	}
}

func TestLossesAreReported(t *testing.T) {
	s := open(t, Options{BufferKiB: 8, Poll: time.Hour})
	o := launched(t, s, labtest.Now)
	var lost uint64
	for _, n := range o.Lost {
		lost += n
	}
	if lost == 0 || o.Syscalls["getppid"]+lost < labtest.Calls {
		t.Errorf("%d calls counted, lost %v", o.Syscalls["getppid"], o.Lost)
	}
}

func TestCheck(t *testing.T) {
	for _, r := range New(Options{}).Check(t.Context()) {
		if !r.Met {
			t.Errorf("%s: %s", r.Name, r.Detail)
		}
	}
}
