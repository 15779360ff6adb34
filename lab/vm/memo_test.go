package vm

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestMemo(t *testing.T) {
	m := &memo{filepath.Join(t.TempDir(), "not", "there", "yet.json")}
	now := time.Now()
	if _, _, ok := m.read(now); ok {
		t.Error("something is remembered of nothing")
	}
	want := choice{TCG, "because"}
	m.write(want, now)
	for after, ok := range map[time.Duration]bool{0: true, memoAge - time.Second: true, memoAge + time.Second: false, -time.Minute: false} {
		if c, at, got := m.read(now.Add(after)); got != ok || ok && (c != want || !at.Equal(now)) {
			t.Errorf("after %v: %v of %v, %t", after, c, at, got)
		}
	}
	m.forget()
	if _, _, ok := m.read(now); ok {
		t.Error("it was not forgotten")
	}
	for _, content := range []string{"", `{"accelerator":"tc`, `{"accelerator":"tcg"}`, `{"accelerator":"hax","at":"` + now.UTC().Format(time.RFC3339) + `"}`} {
		if err := os.WriteFile(m.path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if c, _, ok := m.read(now.Add(time.Minute)); ok {
			t.Errorf("%q is read as %v", content, c)
		}
	}
}

// Many at once: the file is whole at any moment, and no other is left.
func TestMemoOfSeveral(t *testing.T) {
	m := &memo{filepath.Join(t.TempDir(), "memo.json")}
	now := time.Now()
	m.write(choice{KVM, "first"}, now)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				m.write(choice{KVM, "again"}, now)
				if _, _, ok := m.read(now); !ok {
					t.Error("the file was half-written")
				}
			}
		})
	}
	all.Wait()
	if files, err := os.ReadDir(filepath.Dir(m.path)); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}

// A place that cannot be written to costs only time.
func TestMemoNowhere(t *testing.T) {
	m := new(memo)
	m.write(choice{TCG, ""}, time.Now())
	if _, _, ok := m.read(time.Now()); ok {
		t.Error("something is remembered")
	}
	m.forget()
}
