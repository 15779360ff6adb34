package tracefs

import (
	"fmt"
	"strconv"
	"strings"
)

// Stats is what the kernel counts of one CPU's ring buffer since its last
// reset (tracing_stats_read, kernel/trace/trace.c).
type Stats struct {
	Entries       uint64 // in the buffer, unread
	Overrun       uint64 // overwritten before they were read
	CommitOverrun uint64 // dropped because interrupts nested over a whole page
	Dropped       uint64 // dropped because the buffer was full and not to be overwritten
	Read          uint64 // taken out
}

// Lost sums all events that were recorded by no one.
func (s Stats) Lost() uint64 { return s.Overrun + s.CommitOverrun + s.Dropped }

// Stats reads the statistics of one CPU.
func (i *Instance) Stats(cpu int) (Stats, error) {
	text, err := i.Read(fmt.Sprintf("per_cpu/cpu%d/stats", cpu))
	if err != nil {
		return Stats{}, err
	}
	return parseStats(text)
}

func parseStats(text string) (Stats, error) {
	var s Stats
	fields := map[string]*uint64{
		"entries": &s.Entries, "overrun": &s.Overrun, "commit overrun": &s.CommitOverrun,
		"dropped events": &s.Dropped, "read events": &s.Read,
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		field := fields[name]
		if field == nil {
			continue // bytes, time stamps
		}
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return Stats{}, fmt.Errorf("ring buffer statistics: %s: %w", name, err)
		}
		*field = n
		delete(fields, name)
	}
	for name := range fields {
		return Stats{}, fmt.Errorf("ring buffer statistics: no line %q", name)
	}
	return s, nil
}
