package driver

import (
	"runtime"

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

func newLauncher() *launcher {
	l := &launcher{work: make(chan func())}
	ready := make(chan struct{})
	go func() {
		// Never unlocked: Go ends the thread with the goroutine. A locked
		// thread's clone of new Go threads is done by another one, so the only
		// children it has are the programs that it starts.
		runtime.LockOSThread()
		l.tid = unix.Gettid()
		close(ready)
		for f := range l.work {
			f()
		}
	}()
	<-ready
	return l
}

// do runs f on the launcher's thread and waits for it.
func (l *launcher) do(f func() error) error {
	result := make(chan error)
	l.work <- func() { result <- f() }
	return <-result
}

func (l *launcher) close() { close(l.work) }
