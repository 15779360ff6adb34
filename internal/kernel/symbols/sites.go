package symbols

import (
	"fmt"
	"strings"
)

// invalidSite is how the tracer lists the patch site of a weak function that
// another one has overridden: its code is in the image but nothing calls it
// (FTRACE_INVALID_FUNCTION, kernel/trace/ftrace.c, since 6.0).
const invalidSite = "__ftrace_invalid_address__"

// site is one place that the function tracer can patch.
type site struct {
	ip           uint64 // 0 where the file gives only names
	name, module string
}

// parseSites reads available_filter_functions, or ..._addrs, which has the same
// lines behind an address: "name", "name [module]", "ffffffff810000a4 name".
func parseSites(file string, addresses bool) (sites []site, invalid int, err error) {
	for n := 1; file != ""; n++ {
		var line string
		line, file, _ = strings.Cut(file, "\n")
		var s site
		if addresses {
			hex, rest, _ := strings.Cut(line, " ")
			ip, ok := parseHex(hex)
			if !ok || rest == "" {
				return nil, 0, fmt.Errorf("traceable functions: line %d: cannot read %q", n, line)
			}
			if ip == 0 {
				return nil, 0, fmt.Errorf("traceable functions: %w", errHidden)
			}
			s.ip, line = ip, rest
		}
		s.name, s.module, _ = strings.Cut(line, " [")
		s.module = strings.TrimSuffix(s.module, "]")
		if s.name == "" || strings.Contains(s.name, " ") {
			return nil, 0, fmt.Errorf("traceable functions: line %d: cannot read %q", n, line)
		}
		if strings.HasPrefix(s.name, invalidSite) {
			invalid++
			continue
		}
		sites = append(sites, s)
	}
	if len(sites) == 0 {
		return nil, 0, fmt.Errorf("traceable functions: the list is empty")
	}
	return sites, invalid, nil
}
