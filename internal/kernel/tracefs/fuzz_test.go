package tracefs

import (
	"slices"
	"testing"
)

// FuzzTexts reads the small files of a trace instance: thread ids, CPUs, statistics.
func FuzzTexts(f *testing.F) {
	f.Add("163\n7\n267\n4194305\n")
	f.Add("no pid\n")
	f.Add("0-3,8")
	f.Add("entries: 599\noverrun: 4205\ncommit overrun: 2\nbytes: 16852\noldest event ts:    22.972667\nnow ts:    23.220607\ndropped events: 3\nread events: 9\n")
	f.Fuzz(func(t *testing.T, text string) {
		if tids, err := parseThreads(text); err == nil && !slices.IsSorted(tids) {
			t.Errorf("threads of %q: %v", text, tids)
		}
		if len(text) < 1000 { // each part of a list may stand for 65536 CPUs
			parseCPUList(text)
		}
		parseStats(text)
	})
}

// FuzzSymbolic reads tables of names out of print formats, as those of KVM's events are.
func FuzzSymbolic(f *testing.F) {
	seed(f, "../../../collectors/kvm/testdata/*/*.format")
	f.Fuzz(func(t *testing.T, text string) {
		format, err := ParseFormat(text)
		if err != nil {
			return
		}
		for _, field := range format.Fields {
			tables, err := format.Symbolic(field.Name)
			if err == nil && slices.ContainsFunc(tables, func(m map[uint64]string) bool { return m == nil }) {
				t.Errorf("field %s of %q has a table that is none", field.Name, text)
			}
		}
	})
}
