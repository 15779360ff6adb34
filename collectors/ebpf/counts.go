package ebpf

import (
	"encoding/binary"
	"fmt"
	"strings"

	"hapscope/collectors"
	"hapscope/record"
)

// slots are the columns of the counts, in the order of witness.bpf.c.
var slots = [...]record.Context{record.InProcess, record.InSoftIRQ, record.InHardIRQ, record.InKthread, record.Unattributed}

// own begins the names of functions that run only because tracepoints have BPF
// programs attached: the kernel's glue between the two.
var own = []string{"__traceiter_", "__bpf_trace_", "bpf_trace_run"}

// collect sums the CPUs' counts.
func (s *Session) collect() (o collectors.Observation, err error) {
	raw := make([]byte, s.counts.Size())
	if _, err := s.counts.ReadAt(raw, 0); err != nil {
		return o, fmt.Errorf("read the counts: %w", err)
	}
	o.Functions = make(map[record.Context][]record.Hit)
	row := 8 * len(slots)
	for slot, context := range slots {
		var hits []record.Hit
		for i, f := range s.table.Functions {
			var n uint64
			for at := i*row + 8*slot; at+8 <= len(raw); at += s.rows * row {
				n += binary.NativeEndian.Uint64(raw[at:])
			}
			switch {
			case n == 0:
			case isOwn(f.Symbol):
				o.Own += n
			default:
				hits = append(hits, record.Hit{Function: i, Count: n})
				o.Events += n
			}
		}
		o.Functions[context] = hits
	}
	o.Kthreads, err = s.kthreads()
	return o, err
}

func isOwn(symbol string) bool {
	for _, prefix := range own {
		if strings.HasPrefix(symbol, prefix) {
			return true
		}
	}
	return false
}

// reset zeroes what was counted.
func (s *Session) reset() error {
	if _, err := s.counts.WriteAt(make([]byte, s.counts.Size()), 0); err != nil {
		return fmt.Errorf("clear the counts: %w", err)
	}
	for {
		var done witnessWork
		if err := s.objects.Maps["works"].NextKey(nil, &done); err != nil {
			return nil // there is none left
		}
		if err := s.objects.Maps["works"].Delete(done); err != nil {
			return fmt.Errorf("clear the works: %w", err)
		}
	}
}

// count is how often function i was entered in a context since Begin.
func (s *Session) count(i, slot int) (n uint64, err error) {
	var b [8]byte
	row := int64(8 * len(slots))
	for at := int64(i)*row + int64(8*slot); at < int64(s.counts.Size()); at += int64(s.rows) * row {
		if _, err := s.counts.ReadAt(b[:], at); err != nil {
			return 0, fmt.Errorf("read the counts: %w", err)
		}
		n += binary.NativeEndian.Uint64(b[:])
	}
	return n, nil
}

// kthreads reads which work kernel threads did for the target.
func (s *Session) kthreads() (all []record.Kthread, err error) {
	var done witnessWork
	var runs uint64
	works := s.objects.Maps["works"].Iterate()
	for works.Next(&done, &runs) {
		k := record.Kthread{Thread: collectors.ThreadKind(comm(done.Thread)), Owner: comm(done.Owner.Comm), Runs: runs}
		if done.Function != 0 {
			k.Work = s.table.Name(done.Function)
		}
		all = append(all, k)
	}
	return all, works.Err()
}

// comm reads a thread's name.
func comm(b [16]int8) string {
	name := make([]byte, 0, len(b))
	for _, c := range b {
		if c == 0 {
			break
		}
		name = append(name, byte(c))
	}
	return string(name)
}
