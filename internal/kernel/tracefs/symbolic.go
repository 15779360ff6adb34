package tracefs

import (
	"fmt"
	"strconv"
	"strings"
)

// Symbolic returns the tables by which the kernel prints a field's value as a
// name, in the order in which they stand in the event's print format: an event can
// have one for each kind of processor (__print_symbolic, include/trace/stages).
func (f *Format) Symbolic(field string) (tables []map[uint64]string, err error) {
	const begin = "__print_symbolic("
	for rest := f.Print; ; {
		_, after, found := strings.Cut(rest, begin)
		if !found {
			return tables, nil
		}
		rest = after
		expression, list, found := strings.Cut(after, ",")
		if !found {
			return nil, fmt.Errorf("event %s: a table of names without an end", f.Name)
		}
		// The value may be masked: REC->exit_reason & 0xffff.
		value, _, _ := strings.Cut(expression, " ")
		if strings.TrimSpace(value) != "REC->"+field {
			continue
		}
		table, err := parseSymbolic(list)
		if err != nil {
			return nil, fmt.Errorf("event %s, names of %s: %w", f.Name, field, err)
		}
		tables = append(tables, table)
	}
}

// parseSymbolic reads `{ 0, "NAME" }, { 0x2, "PART_" "NAME" })…`.
func parseSymbolic(list string) (map[uint64]string, error) {
	table := map[uint64]string{}
	for {
		list = strings.TrimLeft(list, ", ")
		if strings.HasPrefix(list, ")") {
			return table, nil
		}
		item, after, found := strings.Cut(strings.TrimPrefix(list, "{"), "}")
		number, text, comma := strings.Cut(item, ",")
		if !strings.HasPrefix(list, "{") || !found || !comma {
			return nil, fmt.Errorf("no { value, name } at %.40q", list)
		}
		list = after
		value, err := parseSum(number)
		if err != nil {
			return nil, fmt.Errorf("value of %.40q: %w", item, err)
		}
		// Adjacent literals are one, as in C.
		var name strings.Builder
		for i, part := range strings.Split(text, `"`) {
			if i%2 == 1 {
				name.WriteString(part)
			}
		}
		table[value] = name.String()
	}
}

// parseSum reads a number, or several as in 0x40 + 14. A negative one is the value
// of the 32-bit field that holds it.
func parseSum(text string) (sum uint64, err error) {
	for part := range strings.SplitSeq(text, "+") {
		n, err := strconv.ParseInt(strings.TrimSpace(part), 0, 64)
		if err != nil {
			return 0, err
		}
		if n < 0 {
			n = int64(uint32(n))
		}
		sum += uint64(n)
	}
	return sum, nil
}
