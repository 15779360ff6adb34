package tracefs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Field is one member of an event's record.
type Field struct {
	Type   string // C declaration without the name, such as unsigned long
	Name   string
	Offset int
	Size   int
	Signed bool
}

// Format is the layout of one event, from its format file.
type Format struct {
	Name   string
	ID     uint16
	Fields []Field
	Print  string // how the kernel prints a record: a format and C expressions
}

// Format reads the layout of an event, such as ftrace/function.
func (i *Instance) Format(event string) (*Format, error) {
	b, err := os.ReadFile(i.Path("events/" + event + "/format"))
	if err != nil {
		return nil, fmt.Errorf("read format of event %s: %w", event, err)
	}
	f, err := ParseFormat(string(b))
	if err != nil {
		return nil, fmt.Errorf("read format of event %s: %w", event, err)
	}
	return f, nil
}

// ParseFormat reads the text of a format file.
func ParseFormat(text string) (*Format, error) {
	f, haveID := new(Format), false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch key, value, _ := strings.Cut(line, ":"); key {
		case "name":
			f.Name = strings.TrimSpace(value)
		case "ID":
			id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16)
			if err != nil {
				return nil, fmt.Errorf("event ID: %w", err)
			}
			f.ID, haveID = uint16(id), true
		case "field":
			field, err := parseField(line)
			if err != nil {
				return nil, err
			}
			f.Fields = append(f.Fields, field)
		case "print fmt":
			// Free text up to the end of the file.
			if !haveID {
				return nil, fmt.Errorf("no event ID")
			}
			f.Print = strings.TrimSpace(value)
			return f, nil
		}
	}
	if !haveID {
		return nil, fmt.Errorf("no event ID")
	}
	return f, nil
}

// parseField reads "field:unsigned char common_flags;	offset:2;	size:1;	signed:0;".
func parseField(line string) (Field, error) {
	var f Field
	have := 0
	for part := range strings.SplitSeq(line, ";") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			continue
		}
		var err error
		switch value = strings.TrimSpace(value); key {
		case "field":
			declaration, _, _ := strings.Cut(value, "[") // arrays: the name ends before the length
			at := strings.LastIndexAny(declaration, " *\t")
			f.Type, f.Name = strings.TrimSpace(declaration[:at+1]), declaration[at+1:]
		case "offset":
			f.Offset, err = strconv.Atoi(value)
			have++
		case "size":
			f.Size, err = strconv.Atoi(value)
			have++
		case "signed":
			f.Signed = value == "1"
		}
		if err != nil {
			return Field{}, fmt.Errorf("event field %q: %w", line, err)
		}
	}
	if f.Name == "" || have != 2 || f.Offset < 0 || f.Size < 0 || f.Offset > 1<<16 || f.Size > 1<<16 {
		return Field{}, fmt.Errorf("event field %q: want name, offset and size", line)
	}
	return f, nil
}

// Offset returns where a field of exactly the given size lies.
func (f *Format) Offset(name string, size int) (int, error) {
	for _, field := range f.Fields {
		if field.Name != name {
			continue
		}
		if field.Size != size {
			return 0, fmt.Errorf("event %s: field %s has %d bytes, want %d", f.Name, name, field.Size, size)
		}
		return field.Offset, nil
	}
	return 0, fmt.Errorf("event %s has no field %s", f.Name, name)
}
