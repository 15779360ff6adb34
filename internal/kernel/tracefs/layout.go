package tracefs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Layout is how a kernel lays out the pages of its ring buffer and the headers
// of the events in them.
type Layout struct {
	timestamp, commit, data Field
	deltaShift              uint   // bits of type_len, which come first
	padding                 uint32 // the special values of type_len
	timeExtend, timeStamp   uint32
	dataMax                 uint32
}

// PageSize is the number of bytes that a whole page takes: what one read of
// trace_pipe_raw returns.
func (l *Layout) PageSize() int { return l.data.Offset + l.data.Size }

// Layout reads the layout of the instance's pages. From 6.8 on it depends on
// the instance's buffer_subbuf_size_kb: read it after setting that.
func (i *Instance) Layout() (*Layout, error) {
	page, err := os.ReadFile(i.Path("events/header_page"))
	if err != nil {
		return nil, fmt.Errorf("read layout of trace pages: %w", err)
	}
	event, err := os.ReadFile(i.Path("events/header_event"))
	if err != nil {
		return nil, fmt.Errorf("read layout of trace events: %w", err)
	}
	return ParseLayout(string(page), string(event))
}

// ParseLayout reads the texts of events/header_page and events/header_event.
func ParseLayout(page, event string) (*Layout, error) {
	var l Layout
	fields := map[string]*Field{"timestamp": &l.timestamp, "commit": &l.commit, "data": &l.data}
	for line := range strings.Lines(page) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "field:") {
			continue
		}
		f, err := parseField(strings.Replace(line, "field: ", "field:", 1))
		if err != nil {
			return nil, fmt.Errorf("trace page header: %w", err)
		}
		if to := fields[f.Name]; to != nil {
			*to = f
		}
	}
	// A commit word of 4 bytes is a 32-bit kernel, on which hapscope does not run.
	if l.timestamp.Size != 8 || l.commit.Size != 8 || l.data.Size < 8 ||
		l.data.Offset < l.timestamp.Offset+l.timestamp.Size || l.data.Offset < l.commit.Offset+l.commit.Size {
		return nil, fmt.Errorf("trace page header: want timestamp, commit and data, got %q", page)
	}
	numbers, err := eventNumbers(event)
	if err != nil {
		return nil, err
	}
	l.deltaShift = uint(numbers["type_len"])
	l.padding, l.timeExtend, l.timeStamp, l.dataMax = numbers["padding"], numbers["time_extend"], numbers["time_stamp"], numbers["data max type_len"]
	if numbers["type_len"]+numbers["time_delta"] != 32 || numbers["array"] != 32 || l.dataMax == 0 || l.padding == 0 || l.timeExtend == 0 || l.timeStamp == 0 {
		return nil, fmt.Errorf("trace event header: cannot read %q", event)
	}
	return &l, nil
}

// eventNumbers reads lines of the forms "type_len    :    5 bits" and
// "padding     : type == 29".
func eventNumbers(text string) (map[string]uint32, error) {
	numbers := make(map[string]uint32)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSpace(line), " bits")
		at := strings.LastIndexAny(line, ": =")
		if at < 0 {
			continue
		}
		n, err := strconv.ParseUint(line[at+1:], 10, 32)
		if err != nil {
			continue // the comment line
		}
		name := line[:at]
		if i := strings.IndexAny(name, ":="); i >= 0 {
			name = name[:i]
		}
		numbers[strings.TrimSpace(name)] = uint32(n)
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("trace event header: no numbers in %q", text)
	}
	return numbers, nil
}
