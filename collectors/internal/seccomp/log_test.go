package seccomp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hapscope/internal/kernel/tracefs"
)

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// captured is a watch that has read the formats of the capture, which is of two CPUs.
func captured(t testing.TB) (*Watch, [2]*Log) {
	t.Helper()
	w := New()
	w.layouts = map[uint16]layout{}
	for _, s := range sources() {
		f, err := tracefs.ParseFormat(file(t, filepath.Base(s.name)+".format"))
		if err != nil {
			t.Fatal(err)
		}
		if w.layouts[f.ID], err = layoutOf(s, f); err != nil {
			t.Fatal(err)
		}
	}
	return w, [2]*Log{w.Log(), w.Log()}
}

// records calls f for every record of a CPU.
func records(t testing.TB, cpu int, f func(r []byte, time uint64)) {
	t.Helper()
	layout, err := tracefs.ParseLayout(file(t, "header_page"), file(t, "header_event"))
	if err != nil {
		t.Fatal(err)
	}
	var p tracefs.Page
	if err := p.Reset(layout, []byte(file(t, fmt.Sprintf("cpu%d.pages", cpu)))); err != nil {
		t.Fatal(err)
	}
	for r := p.Next(); r != nil; r = p.Next() {
		f(r, p.Time())
	}
}

// printed is what the kernel's text says of the events that are kept, one line each.
func printed(t *testing.T, cpu int) (want []string) {
	t.Helper()
	for line := range strings.Lines(file(t, fmt.Sprintf("cpu%d.trace", cpu))) {
		f := strings.Fields(line)
		if strings.HasPrefix(line, "#") || len(f) < 5 {
			continue
		}
		var tid, other int32
		var value int64
		fmt.Sscanf(f[0][strings.LastIndex(f[0], "-")+1:], "%d", &tid)
		at := strings.ReplaceAll(strings.TrimSuffix(f[3], ":"), ".", "")
		switch what := strings.Join(f[4:], " "); {
		case strings.Contains(what, "->"):
			var unsigned uint64
			fmt.Sscanf(f[len(f)-1], "0x%x", &unsigned)
			want = append(want, fmt.Sprint(at, tid, answered, 0, int64(unsigned)))
		case strings.HasPrefix(what, "sys_seccomp"):
			fmt.Sscanf(what, "sys_seccomp(op: 1, flags: %d,", &value)
			want = append(want, fmt.Sprint(at, tid, asked, 0, value))
		case strings.HasPrefix(what, "task_newtask"):
			fmt.Sscanf(f[5], "pid=%d", &other)
			fmt.Sscanf(f[7], "clone_flags=%x", &value)
			want = append(want, fmt.Sprint(at, tid, cloned, other, value))
		}
	}
	return want
}

func TestLogAgainstKernelText(t *testing.T) {
	w, logs := captured(t)
	for cpu, l := range logs {
		records(t, cpu, func(r []byte, time uint64) {
			if known, err := l.Add(r, time); !known || err != nil {
				t.Errorf("a record of %d bytes: %v, %v", len(r), known, err)
			}
		})
		var got []string
		for _, e := range l.list {
			got = append(got, fmt.Sprint(fmt.Sprint((e.stamp+500)/1000), e.tid, e.kind, e.other, e.value))
		}
		if want := printed(t, cpu); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("CPU %d:\n%s\nthe kernel printed\n%s", cpu, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	// 643 is the tender's main thread, 644 to 647 and 653 are others of its process, and 648
	// to 652 its children.
	h, ok := w.End()
	if !ok || h.Installed != 2 {
		t.Errorf("%d installed, %v", h.Installed, ok)
	}
	for tid, want := range map[int32]string{643: "217206438", 644: "217341941", 647: "217341941", 653: "217341941", 648: "0", 652: "0", 642: "", 654: "", 655: ""} {
		got := ""
		if since, held := h.Since(tid); held {
			got = fmt.Sprint((since + 500) / 1000)
		}
		if got != want {
			t.Errorf("%d is held since %q µs, want %q", tid, got, want)
		}
	}
}

func TestLogRefuses(t *testing.T) {
	_, logs := captured(t)
	records(t, 0, func(r []byte, time uint64) {
		if known, err := logs[0].Add(r[:8], time); !known || err == nil {
			t.Errorf("half of a record: %v, %v", known, err)
		}
	})
	for _, r := range [][]byte{nil, {1}, {1, 0, 0, 0}} {
		if known, err := logs[0].Add(r, 1); known || err != nil {
			t.Errorf("% x: %v, %v", r, known, err)
		}
	}
}

func TestLogIsBounded(t *testing.T) {
	w, logs := captured(t)
	logs[0].list = make([]event, maxEvents)
	records(t, 0, func(r []byte, time uint64) { logs[0].Add(r, time) })
	if len(logs[0].list) != maxEvents {
		t.Errorf("%d events are kept", len(logs[0].list))
	}
	if _, ok := w.End(); ok {
		t.Error("an incomplete log tells")
	}
}

func FuzzLog(f *testing.F) {
	for cpu := range 2 {
		records(f, cpu, func(r []byte, _ uint64) { f.Add(slices.Clone(r), slices.Clone(r)) })
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		w, logs := captured(t)
		for i, r := range [][]byte{a, b, a} {
			logs[i%2].Add(r, uint64(i+1))
		}
		h, _ := w.End()
		for tid, since := range h.since {
			if since > 3 {
				t.Errorf("%d is held since %d, after all events", tid, since)
			}
		}
	})
}
