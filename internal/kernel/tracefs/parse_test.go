package tracefs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What cannot be reached is not gone.
func TestUnmounted(t *testing.T) {
	f := &FS{t.TempDir()}
	i := f.Instance("x")
	if err := i.Remove(); !errors.Is(err, ErrNotMounted) {
		t.Errorf("Remove = %v", err)
	}
	if err := i.SetTracing(true); !errors.Is(err, ErrNotMounted) {
		t.Errorf("SetTracing = %v", err)
	}
	if _, err := i.Read("tracing_on"); !errors.Is(err, ErrNotMounted) {
		t.Errorf("Read = %v", err)
	}
	if err := os.Mkdir(f.Path("instances"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := i.Remove(); err != nil {
		t.Errorf("Remove of what is gone = %v", err)
	}
	if err := i.SetTracing(true); err == nil || errors.Is(err, ErrNotMounted) {
		t.Errorf("SetTracing of what is gone = %v", err)
	}
}

func TestParseCPUList(t *testing.T) {
	for in, want := range map[string][]int{"0": {0}, "0-3": {0, 1, 2, 3}, "0,2-3,8": {0, 2, 3, 8}} {
		if got, err := parseCPUList(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("parseCPUList(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "a", "1-", "3-1", "0-99999999"} {
		if got, err := parseCPUList(in); err == nil {
			t.Errorf("parseCPUList(%q) = %v, want an error", in, got)
		}
	}
}

func TestParseThreads(t *testing.T) {
	for in, want := range map[string][]int{
		"":                       nil,
		"no pid\n":               nil,
		"4194305\n":              nil,
		"163\n7\n267\n4194305\n": {7, 163, 267},
	} {
		if got, err := parseThreads(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("parseThreads(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	if _, err := parseThreads("x\n"); err == nil {
		t.Error("no error for a line that is no thread id")
	}
}

func TestParseStats(t *testing.T) {
	got, err := parseStats("entries: 599\noverrun: 4205\ncommit overrun: 2\nbytes: 16852\noldest event ts:    22.972667\n" +
		"now ts:    23.220607\ndropped events: 3\nread events: 9\n")
	want := Stats{Entries: 599, Overrun: 4205, CommitOverrun: 2, Dropped: 3, Read: 9}
	if err != nil || got != want || got.Lost() != 4210 {
		t.Errorf("parseStats = %+v, %v, want %+v", got, err, want)
	}
	for _, in := range []string{"", "entries: 1\n", "entries: x\n"} {
		if _, err := parseStats(in); err == nil {
			t.Errorf("parseStats(%q): no error", in)
		}
	}
}

func TestParseFormat(t *testing.T) {
	f, err := ParseFormat(read(t, "testdata/6.12", "sys_enter.format"))
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != "sys_enter" || f.ID != 384 || len(f.Fields) != 6 {
		t.Errorf("format = %+v", f)
	}
	want := Field{Type: "unsigned long", Name: "args", Offset: 16, Size: 48}
	if got := f.Fields[5]; got != want {
		t.Errorf("field = %+v, want %+v", got, want)
	}
	if _, err := f.Offset("id", 4); err == nil {
		t.Error("no error for a field of another size")
	}
	if _, err := f.Offset("none", 4); err == nil {
		t.Error("no error for a field that is not there")
	}
}

func TestParseLayout(t *testing.T) {
	for header, size := range map[string]int{"header_page": 4096, "header_page8": 8192} {
		if got := testLayout(t, "testdata/6.12", header).PageSize(); got != size {
			t.Errorf("%s: page size %d, want %d", header, got, size)
		}
	}
	event := read(t, "testdata/6.12", "header_event")
	for _, page := range []string{"", "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"} {
		if _, err := ParseLayout(page, event); err == nil {
			t.Errorf("ParseLayout(%q): no error", page)
		}
	}
	if _, err := ParseLayout(read(t, "testdata/6.12", "header_page"), "type_len : 5 bits\n"); err == nil {
		t.Error("no error for an event header without time_delta")
	}
}

// seed gives a fuzz target the text of captured files.
func seed(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
}

func FuzzParseFormat(f *testing.F) {
	seed(f, "testdata/*/*.format")
	f.Fuzz(func(t *testing.T, text string) {
		format, err := ParseFormat(text)
		if err != nil {
			return
		}
		for _, field := range format.Fields {
			if field.Name == "" || field.Offset < 0 || field.Size < 0 {
				t.Errorf("field %+v of %q", field, text)
			}
		}
	})
}

func FuzzParseLayout(f *testing.F) {
	f.Add(read(f, "testdata/6.12", "header_page"), read(f, "testdata/6.12", "header_event"))
	f.Add(read(f, "testdata/6.12", "header_page8"), read(f, "testdata/6.12", "header_event"))
	page := []byte(read(f, "testdata/6.12", "function.pages"))[:4096]
	f.Fuzz(func(t *testing.T, header, event string) {
		layout, err := ParseLayout(header, event)
		if err != nil {
			return
		}
		// Whatever layout is accepted must not make the decoder run out of bounds.
		var p Page
		if p.Reset(layout, page) == nil {
			for p.Next() != nil {
			}
		}
	})
}
