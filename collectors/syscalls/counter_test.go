//go:build !lab

// Not in the lab, where another package's captures and the go command are out of reach.

package syscalls

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hapscope/collectors/internal/seccomp"
	"hapscope/collectors/internal/tap"
	"hapscope/internal/kernel/tracefs"
)

// The pages and what the kernel itself printed of them; see the README there.
const captures = "../../internal/kernel/tracefs/testdata"

func read(t *testing.T, kernel, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(captures, kernel, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCounterAgainstKernelText(t *testing.T) {
	for _, kernel := range []string{"6.12", "6.1"} {
		t.Run(kernel, func(t *testing.T) {
			format, err := tracefs.ParseFormat(read(t, kernel, "sys_enter.format"))
			if err != nil {
				t.Fatal(err)
			}
			layout, err := tracefs.ParseLayout(read(t, kernel, "header_page"), read(t, kernel, "header_event"))
			if err != nil {
				t.Fatal(err)
			}
			want := make(map[int64]uint64)
			for line := range strings.Lines(read(t, kernel, "absolute.want")) {
				number, err := strconv.ParseInt(strings.Fields(line)[3], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				want[number]++
			}
			s := &Session{Tap: tap.Unarmed()}
			if s.layout, err = layoutOf(format); err != nil {
				t.Fatal(err)
			}
			c := &counter{session: s, others: make(map[int64]uint64), log: new(seccomp.Log)}
			var p tracefs.Page
			if err := p.Reset(layout, []byte(read(t, kernel, "absolute.pages"))); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Page(&p); err != nil {
				t.Fatal(err)
			}
			got := c.take()
			for number := range want {
				if got[number] != want[number] || strings.HasPrefix(Name(number), "syscall_") {
					t.Errorf("%s (%d): %d, the kernel printed %d", Name(number), number, got[number], want[number])
				}
			}
			if len(got) != len(want) || len(c.take()) != 0 {
				t.Errorf("counted %v, the kernel printed %v", got, want)
			}
		})
	}
}

func TestName(t *testing.T) {
	for number, want := range map[int64]string{
		0: "read", 110: "getppid", 435: "clone3", 400: "syscall_400", 9999: "syscall_9999", 1<<30 | 520: "x32_520", -1: "syscall_-1",
	} {
		if got := Name(number); got != want {
			t.Errorf("Name(%d) = %s, want %s", number, got, want)
		}
	}
}

func TestNamesAreUpToDate(t *testing.T) {
	out := filepath.Join(t.TempDir(), "names.go")
	if b, err := exec.Command("go", "run", "./gen", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("zz_names_amd64.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("zz_names_amd64.go is out of date: go generate ./collectors/syscalls")
	}
}
