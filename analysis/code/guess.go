package code

import (
	_ "embed"
	"regexp"
	"strings"

	"hapscope/record"
)

// prefixes are lines of "prefix subsystem" for functions of the kernel's image.
//
//go:embed prefixes.txt
var prefixes string

// modules are lines of "module subsystem".
//
//go:embed modules.txt
var modules string

// systemCall is what SYSCALL_DEFINE makes of the name of a system call, for each kind of
// caller (arch/x86/include/asm/syscall_wrapper.h).
var systemCall = regexp.MustCompile(`^(x64|ia32|ia32_compat|x64_compat|se|se_compat|do|do_compat)_sys_`)

// guesser knows where functions with such names mostly are.
type guesser struct{ prefixes, modules map[string]string }

func newGuesser() *guesser { return &guesser{parseLines(prefixes), parseLines(modules)} }

// parseLines reads a list, in which lines that begin with # are comments.
func parseLines(list string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(list) {
		if name, subsystem, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name[0] != '#' {
			m[name] = subsystem
		}
	}
	return m
}

// subsystem goes by the module of a function, or by the longest prefix of its symbol
// that is listed; it is "" where none is.
func (g *guesser) subsystem(f record.Function) string {
	if f.Module != "" {
		return g.modules[f.Module]
	}
	symbol := systemCall.ReplaceAllString(strings.TrimLeft(f.Symbol, "_"), "sys_")
	for n := len(symbol); n > 0; n-- {
		if s, ok := g.prefixes[symbol[:n]]; ok {
			return s
		}
	}
	return ""
}
