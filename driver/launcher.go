package driver

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// launcher is one OS thread from which all runtimes are started. Collectors
// follow what it forks, so that a runtime's command line is observed from its
// first instruction and not from when somebody found its pid; what the thread
// itself does is hapscope's own work and is not reported.
type launcher struct {
	tid  int
	work chan func()
}

// newLauncher starts the thread. A slack that is not 0 becomes the timer slack of
// all programs that it starts (prctl(2), PR_SET_TIMERSLACK).
func newLauncher(slack time.Duration) (*launcher, error) {
	l := &launcher{work: make(chan func())}
	ready := make(chan error)
	go func() {
		// Never unlocked: Go ends the thread with the goroutine. A locked
		// thread's clone of new Go threads is done by another one, so the only
		// children it has are the programs that it starts.
		runtime.LockOSThread()
		l.tid = unix.Gettid()
		var err error
		if slack != 0 {
			err = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack.Nanoseconds()), 0, 0, 0)
		}
		ready <- err
		for f := range l.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		l.close()
		return nil, fmt.Errorf("set the timer slack to %v: %w", slack, err)
	}
	return l, nil
}

// do runs f on the launcher's thread and waits for it.
func (l *launcher) do(f func() error) error {
	result := make(chan error)
	l.work <- func() { result <- f() }
	return <-result
}

func (l *launcher) close() { close(l.work) }
