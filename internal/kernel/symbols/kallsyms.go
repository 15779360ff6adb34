package symbols

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// errHidden is what kptr_restrict or missing privilege looks like.
var errHidden = errors.New("all addresses are zero: the kernel hides them (kernel.kptr_restrict, CAP_SYSLOG)")

// symbol is one line of kallsyms that may be a function.
type symbol struct {
	address      uint64
	name, module string
}

// kallsyms is the text part of /proc/kallsyms.
type kallsyms struct {
	text []symbol // in the order of the file
	// The kernel's own markers; 0 where there is none.
	start, initStart, initEnd uint64
	variables                 map[string]uint64 // those of variableNames that there are
}

// variableNames are the variables of the kernel image of which someone wants the
// address; that of a per-CPU variable is its place in each CPU's area.
var variableNames = []string{"__per_cpu_offset", "__preempt_count", "pcpu_hot"}

// parseKallsyms keeps text symbols (types t, T, w, W of nm(1)) of the kernel
// and its modules. Not kept, because they are made at run time and belong to no
// build: BPF programs and the trampolines of ftrace, kprobes and BPF, which
// kallsyms shows as modules bpf and __builtin__*.
func parseKallsyms(file string) (*kallsyms, error) {
	k, any := &kallsyms{variables: map[string]uint64{}}, false
	for n := 1; file != ""; n++ {
		var line string
		line, file, _ = strings.Cut(file, "\n")
		hex, rest, ok := strings.Cut(line, " ")
		if !ok || len(rest) < 3 || rest[1] != ' ' {
			return nil, fmt.Errorf("kallsyms: line %d: cannot read %q", n, line)
		}
		address, ok := parseHex(hex)
		if !ok {
			return nil, fmt.Errorf("kallsyms: line %d: %q is no address", n, hex)
		}
		any = any || address != 0
		switch rest[0] {
		case 't', 'T', 'w', 'W':
		default:
			if slices.Contains(variableNames, rest[2:]) {
				k.variables[strings.Clone(rest[2:])] = address
			}
			continue
		}
		name, module, _ := strings.Cut(rest[2:], "\t")
		module = strings.TrimSuffix(strings.TrimPrefix(module, "["), "]")
		if module == "bpf" || strings.HasPrefix(module, "__builtin__") {
			continue
		}
		if module == "" {
			switch name {
			case "_stext", "_text":
				// The same address on x86, where _text comes first in the image.
				if k.start == 0 || address < k.start {
					k.start = address
				}
			case "_sinittext":
				k.initStart = address
			case "_einittext":
				k.initEnd = address
			}
		}
		k.text = append(k.text, symbol{address, name, module})
	}
	if !any {
		return nil, errHidden
	}
	if k.start == 0 {
		return nil, fmt.Errorf("kallsyms: no symbol _stext or _text")
	}
	return k, nil
}

// parseHex is strconv.ParseUint(s, 16, 64) without its error values, of which
// 160,000 lines would make garbage.
func parseHex(s string) (n uint64, ok bool) {
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		if bits.LeadingZeros64(n) < 4 {
			return 0, false
		}
		n = n<<4 | uint64(c)
	}
	return n, s != ""
}

// runs reports whether a symbol is code that can run and that is a function of
// its own. Not so: __pfx_ (the padding before each function since 6.2,
// CONFIG_PREFIX_SYMBOLS), .cold (the unlikely part of a function that has its
// entry elsewhere), and the kernel's init text, freed at the end of the boot
// but still listed.
func (k *kallsyms) runs(s symbol) bool {
	if strings.HasPrefix(s.name, "__pfx_") || strings.HasSuffix(s.name, ".cold") {
		return false
	}
	return s.module != "" || s.address < k.initStart || s.address >= k.initEnd
}
