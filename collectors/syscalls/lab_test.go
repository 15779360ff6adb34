//go:build lab

package syscalls

import (
	"testing"
	"time"

	"hapscope/collectors"
	"hapscope/collectors/exercise"
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
	o = labtest.Launched(t, s, role)
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	t.Log(o.Syscalls)
	return o
}

func TestCountsExactly(t *testing.T) {
	s := open(t, Options{})
	for role, times := range map[string]uint64{labtest.Now: 1, labtest.Fork: labtest.Children} {
		t.Run(role, func(t *testing.T) {
			o := launched(t, s, role)
			if o.Lost != nil {
				t.Errorf("lost %v", o.Lost)
			}
			for _, e := range exercise.Standard().Expected() {
				if n := o.Syscalls[e.Syscall]; n != e.Count*times {
					t.Errorf("%s: %d were counted, want %d", e.Name, n, e.Count*times)
				}
			}
			if o.Own < labtest.Own {
				t.Errorf("%d events of the launcher, want at least %d", o.Own, labtest.Own)
			}
		})
	}
}

func TestConfinedExactly(t *testing.T) {
	labtest.Sides(t, open(t, Options{}), func(t *testing.T, o collectors.Observation, want labtest.Sided) {
		t.Logf("%v, behind a filter: %v", o.Syscalls, o.Confined)
		for _, side := range []map[string]uint64{want.Unconfined, want.Confined} {
			for name := range side {
				if n := o.Confined[name]; n != want.Confined[name] || o.Syscalls[name] != want.Unconfined[name]+n {
					t.Errorf("%s: %d calls, %d of them behind a filter, want %d and %d", name, o.Syscalls[name], n, want.Unconfined[name]+want.Confined[name], want.Confined[name])
				}
			}
		}
		if o.Confined["seccomp"] > 0 && want.Confined["getsid"] > 0 || o.Syscalls["seccomp"] != 1 {
			t.Errorf("seccomp: %d calls, %d behind a filter", o.Syscalls["seccomp"], o.Confined["seccomp"])
		}
	})
}

func TestLossesAreReported(t *testing.T) {
	s := open(t, Options{BufferKiB: 8, Poll: time.Hour})
	o := launched(t, s, labtest.Now)
	var lost uint64
	for _, n := range o.Lost {
		lost += n
	}
	if want := uint64(exercise.Standard().Getppid); lost == 0 || o.Syscalls["getppid"]+lost < want {
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
