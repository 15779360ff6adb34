package kvm

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"hapscope/internal/kernel/tracefs"
)

// format reads a captured format file.
func format(t *testing.T, kernel, name string) *tracefs.Format {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", kernel, name+".format"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := tracefs.ParseFormat(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTitles(t *testing.T) {
	for _, kernel := range []string{"6.12", "6.1"} {
		layouts := map[string]layout{}
		for _, e := range events {
			if f := format(t, kernel, e.name); f != nil {
				l, pid, err := layoutOf(e, f)
				if err != nil || pid != 4 {
					t.Fatalf("%s: %s: %v", kernel, e.name, err)
				}
				layouts[e.name] = l
			}
		}
		const vmx, svm = 1, 2
		for _, c := range []struct {
			event string
			a, b  uint64
			want  string
		}{
			// include/uapi/asm/vmx.h and svm.h
			{"kvm_exit", 12, vmx, "HLT"},
			{"kvm_exit", 1<<31 | 33, vmx, "INVALID_STATE"}, // a failed entry
			{"kvm_exit", 48, vmx, "EPT_VIOLATION"},
			{"kvm_exit", 0x78, svm, "hlt"},
			{"kvm_exit", 0x4e, svm, "PF excp"}, // 0x040 + 14
			{"kvm_exit", 0x400, svm, "npf"},
			{"kvm_exit", 0xffffffff, svm, "invalid_guest_state"},
			{"kvm_exit", 0x3ff, svm, "exit_0x3ff"},
			{"kvm_userspace_exit", 2, 0, "IO"},
			{"kvm_userspace_exit", 10, 0xfffffffc, "restart"},
			{"kvm_userspace_exit", 10, 0xffffffea, "error"},
			{"kvm_mmio", 2, 0, "write"},
			{"kvm_inj_exception", 14, 0, "#PF"},
			{"kvm_hypercall", 10, 0, "SEND_IPI"},
			{"kvm_hypercall", 99, 0, "hypercall_0x63"},
			{"kvm_pio", 1, 0x3f8, "out 0x3f8"},
			{"kvm_pio", 0, 0x60, "in 0x60"},
		} {
			l, ok := layouts[c.event]
			if !ok {
				t.Fatalf("%s: no format of %s", kernel, c.event)
			}
			if got := l.titles(c.a, c.b); got != c.want {
				t.Errorf("%s: %s %#x, %#x is %q, want %q", kernel, c.event, c.a, c.b, got, c.want)
			}
		}
	}
}

// A format without what is counted is refused.
func TestStrangeFormats(t *testing.T) {
	for name, text := range map[string]string{
		"no tables": "name: kvm_exit\nID: 7\nformat:\n\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\nprint fmt: \"x\"\n",
		"no end":    "name: kvm_exit\nID: 7\nprint fmt: \"%s\", __print_symbolic(REC->exit_reason, { 1, \"a\" }\n",
		"no number": "name: kvm_exit\nID: 7\nprint fmt: \"%s\", __print_symbolic(REC->exit_reason, { A, \"a\" })\n",
	} {
		f, err := tracefs.ParseFormat(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := layoutOf(events[0], f); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
