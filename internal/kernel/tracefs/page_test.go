package tracefs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPageAgainstKernelText(t *testing.T) {
	for _, c := range []struct {
		kernel, capture, event, header string
		missed                         uint64
	}{
		{"6.12", "function", "function", "header_page", 0},
		{"6.12", "lossy", "function", "header_page", 4205},
		{"6.12", "sub8", "function", "header_page8", 1},
		{"6.12", "markers", "print", "header_page", 0},
		{"6.12", "absolute", "sys_enter", "header_page", 0},
		{"6.1", "function", "function", "header_page", 0},
		{"6.1", "lossy", "function", "header_page", 3770},
		{"6.1", "markers", "print", "header_page", 0},
		{"6.1", "absolute", "sys_enter", "header_page", 0},
	} {
		t.Run(c.kernel+"/"+c.capture, func(t *testing.T) {
			dir := filepath.Join("testdata", c.kernel)
			layout := testLayout(t, dir, c.header)
			format, err := ParseFormat(read(t, dir, c.event+".format"))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSpace(read(t, dir, c.capture+".want")), "\n")
			pages, missed := read(t, dir, c.capture+".pages"), uint64(0)
			var got []string
			for len(pages) > 0 {
				var p Page
				if err := p.Reset(layout, []byte(pages[:layout.PageSize()])); err != nil {
					t.Fatal(err)
				}
				missed += p.Missed
				for record := p.Next(); record != nil; record = p.Next() {
					got = append(got, describe(t, format, record, p.Time()))
				}
				if p.Err() != nil {
					t.Fatal(p.Err())
				}
				pages = pages[layout.PageSize():]
			}
			if len(got) != len(want) {
				t.Errorf("%d events, the kernel printed %d", len(got), len(want))
			}
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("event %d: %s, the kernel printed %s", i, got[i], want[i])
				}
			}
			if missed != c.missed {
				t.Errorf("missed = %d, want %d", missed, c.missed)
			}
		})
	}
}

// describe writes an event as the .want files do.
func describe(t *testing.T, f *Format, record []byte, ns uint64) string {
	if id := binary.NativeEndian.Uint16(record); id != f.ID {
		t.Fatalf("event %d, want %s (%d)", id, f.Name, f.ID)
	}
	offset := func(name string, size int) int {
		o, err := f.Offset(name, size)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	context := "."
	switch flags := record[offset("common_flags", 1)]; flags & (FlagHardIRQ | FlagSoftIRQ) {
	case FlagHardIRQ:
		context = "h"
	case FlagSoftIRQ:
		context = "s"
	case FlagHardIRQ | FlagSoftIRQ:
		context = "H"
	}
	pid := int32(binary.NativeEndian.Uint32(record[offset("common_pid", 4):]))
	var detail string
	switch f.Name {
	case "function":
		detail = fmt.Sprintf("%x", binary.NativeEndian.Uint64(record[offset("ip", 8):]))
	case "sys_enter":
		detail = fmt.Sprint(int64(binary.NativeEndian.Uint64(record[offset("id", 8):])))
	case "print":
		text, _, _ := bytes.Cut(record[offset("buf", 0):], []byte{0})
		detail = fmt.Sprint(len(bytes.TrimSuffix(text, []byte("\n"))))
	}
	return fmt.Sprintf("%d %d %s %s", (ns+500)/1000, pid, context, detail)
}

func testLayout(t testing.TB, dir, header string) *Layout {
	layout, err := ParseLayout(read(t, dir, header), read(t, dir, "header_event"))
	if err != nil {
		t.Fatal(err)
	}
	return layout
}

func read(t testing.TB, dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPageRefusesWhatIsNoPage(t *testing.T) {
	layout := testLayout(t, "testdata/6.12", "header_page")
	page := func(commit uint64, events ...uint32) []byte {
		b := make([]byte, layout.PageSize())
		binary.NativeEndian.PutUint64(b[8:], commit)
		for i, e := range events {
			binary.NativeEndian.PutUint32(b[16+4*i:], e)
		}
		return b
	}
	for name, b := range map[string][]byte{
		"empty":              nil,
		"short":              make([]byte, 15),
		"commit too large":   page(4081),
		"event beyond":       page(8, 28),
		"length beyond":      page(8, 0, 4000),
		"length too small":   page(8, 0, 3),
		"length missing":     page(4, 0),
		"padding beyond":     page(8, 29|1<<5, 4000),
		"padding cut":        page(4, 29|1<<5),
		"time stamp cut":     page(4, 31),
		"time extend cut":    page(4, 30),
		"padding of nothing": page(8, 29|1<<5, 0),
	} {
		t.Run(name, func(t *testing.T) {
			var p Page
			err := p.Reset(layout, b)
			for err == nil && p.Next() != nil {
			}
			if p.Err() == nil {
				t.Error("no error")
			}
		})
	}
	t.Run("null padding ends the page", func(t *testing.T) {
		var p Page
		if err := p.Reset(layout, page(12, 29, 0xffffffff, 0xffffffff)); err != nil {
			t.Fatal(err)
		}
		if p.Next() != nil || p.Err() != nil {
			t.Errorf("events after null padding, err %v", p.Err())
		}
	})
}

func FuzzDecodePage(f *testing.F) {
	layout := testLayout(f, "testdata/6.12", "header_page")
	for _, capture := range []string{"6.12/function", "6.12/lossy", "6.12/markers", "6.12/absolute", "6.1/function", "6.1/lossy"} {
		b := []byte(read(f, "testdata", capture+".pages"))
		f.Add(b[:layout.PageSize()])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Page
		if p.Reset(layout, b) != nil {
			return
		}
		total, events := 0, 0
		for record := p.Next(); record != nil; record = p.Next() {
			total += len(record)
			events++
		}
		if total > len(b) || events > len(b)/4 {
			t.Errorf("%d events with %d bytes out of %d", events, total, len(b))
		}
	})
}

func BenchmarkDecodePage(b *testing.B) {
	layout := testLayout(b, "testdata/6.12", "header_page")
	bytes := []byte(read(b, "testdata/6.12", "function.pages"))[:layout.PageSize()]
	b.SetBytes(int64(len(bytes)))
	b.ReportAllocs()
	var p Page
	events := 0
	for b.Loop() {
		if err := p.Reset(layout, bytes); err != nil {
			b.Fatal(err)
		}
		for p.Next() != nil {
			events++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}
