package ebpf

import (
	_ "embed"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf/link"
)

// hotList names the functions that are entered most; see the file.
//
//go:embed hot.txt
var hotList string

// self are the functions that the kernel's path from a patch site to the program
// itself calls (kprobe_multi_link_prog_run, kernel/trace/bpf_trace.c). While they
// are attached every entry of any function makes further ones, each of them
// counted as a miss.
var self = []string{"migrate_disable", "migrate_enable", "__rcu_read_lock", "__rcu_read_unlock"}

const (
	// hotPoll is how often the counts of hot functions are looked at. A link costs
	// about a tenth of a second of a CPU under emulation to attach and to detach.
	hotPoll = 250 * time.Millisecond
	// hotSeen is how many entries of a function are enough for it to be detached:
	// one makes it part of the set, and estimates of the unseen ask which functions
	// were entered once and which twice.
	hotSeen = 3
	// hotShare is what part of the attached functions must have been seen for a
	// new link without them to be worth its price.
	hotShare = 0.25
)

// split divides the universe into hot functions, those of self among them, and
// the others.
func (s *Session) split() (hot, cold []int) {
	names := map[string]bool{}
	for line := range strings.Lines(hotList) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			names[line] = true
		}
	}
	for _, name := range self {
		names[name] = true
	}
	for i, f := range s.table.Functions {
		name := f.Symbol
		if f.Module != "" {
			name = f.Module + ":" + f.Symbol
		}
		if names[name] {
			hot = append(hot, i)
		} else {
			cold = append(cold, i)
		}
	}
	return hot, cold
}

// hotLink is the link of the hot functions while entries are counted: it is
// replaced by a smaller one as functions have been seen.
type hotLink struct {
	session   *Session
	link      link.Link
	functions []int
	stop      chan struct{}
	done      chan error
}

func (s *Session) heat() (*hotLink, error) {
	if len(s.hot) == 0 {
		return new(hotLink), nil
	}
	l, err := s.attach(s.hot)
	if err != nil {
		return nil, err
	}
	h := &hotLink{session: s, link: l, functions: s.hot, stop: make(chan struct{}), done: make(chan error)}
	go h.run()
	return h, nil
}

func (h *hotLink) run() {
	tick := time.NewTicker(hotPoll)
	defer tick.Stop()
	for {
		select {
		case <-h.stop:
			h.done <- h.link.Close()
			return
		case <-tick.C:
			if err := h.shrink(); err != nil {
				<-h.stop
				h.link.Close()
				h.done <- err
				return
			}
		}
	}
}

// cool detaches what is left, and returns an error that came up meanwhile.
func (h *hotLink) cool() error {
	if h.link == nil {
		return nil
	}
	close(h.stop)
	return <-h.done
}

// shrink attaches those that have not been seen anew, and only then detaches the
// old link, so that none is unobserved for a moment.
func (h *hotLink) shrink() error {
	unseen, err := h.unseen()
	if err != nil {
		return err
	}
	seen := len(h.functions) - len(unseen)
	selfSeen := slices.ContainsFunc(h.session.self, func(i int) bool { return slices.Contains(h.functions, i) && !slices.Contains(unseen, i) })
	if seen == 0 || float64(seen) < hotShare*float64(len(h.functions)) && !selfSeen {
		return nil
	}
	old := h.link
	if h.link, err = h.session.attach(unseen); err != nil {
		h.link = old
		return err
	}
	h.functions = unseen
	return old.Close()
}

func (h *hotLink) unseen() (unseen []int, err error) {
	for _, i := range h.functions {
		n, err := h.session.count(i, 0)
		if err != nil {
			return nil, err
		}
		if n < hotSeen {
			unseen = append(unseen, i)
		}
	}
	return unseen, nil
}
