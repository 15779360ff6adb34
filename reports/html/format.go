package html

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"hapscope/analysis"
	"hapscope/record"
	"hapscope/reports/plot"
)

// functions are those that templates may call.
func functions() template.FuncMap {
	return template.FuncMap{
		"number":    number,
		"percent":   func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
		"percent1":  func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) },
		"round":     func(v float64) string { return number(math.Round(v)) },
		"ratio":     func(v float64) string { return fmt.Sprintf("%.2f", v) },
		"layer":     analysis.LayerName,
		"reading":   analysis.Reading,
		"subsystem": analysis.SubsystemName,
		"verdict":   verdictClass,
		"list":      func(v ...any) []any { return v },
		"calls":     calls,
		"swatch":    func(i int) template.CSS { return template.CSS("background:" + plot.Color(i)) },
		"inc":       func(i int) int { return i + 1 },
		"bytes":     size,
		"milli":     func(seconds float64) float64 { return seconds * 1000 },
		"join":      strings.Join,

		"capabilities":      analysis.CapabilityWords,
		"reachable":         func(p *record.SyscallPolicy) int { return len(p.Allowed) + len(p.Conditional) },
		"capabilitiesInAll": func() int { return analysis.CapabilitiesInAll },

		"rank": func(mk string, c contexts, pk string, p *page) map[string]any { return map[string]any{mk: c, pk: p} },
		"dict": func(mk string, m matrix, pk string, p *page) map[string]any { return map[string]any{mk: m, pk: p} },
	}
}

// verdictClass is the class of a status that looks as a verdict should.
func verdictClass(f analysis.Finding) string {
	switch {
	case f.Verdict == analysis.Pass:
		return "ok"
	case f.Fails():
		return "failed"
	}
	return "degraded"
}

// number groups the digits of a count by thousands, with narrow no-break spaces.
func number(v any) string {
	s := fmt.Sprint(v)
	if f, ok := v.(float64); ok {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	whole, fraction, dotted := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "\u202f" + whole[i:]
	}
	if dotted {
		whole += "." + fraction
	}
	return whole
}

// calls writes a mean number of calls; a call made in few repetitions is not 0.
func calls(v *float64) string {
	switch {
	case v == nil:
		return ""
	case *v < 10 && *v != float64(int(*v)):
		return fmt.Sprintf("%.1f", *v)
	default:
		return number(fmt.Sprintf("%.0f", *v))
	}
}

// size writes a number of bytes as people say it.
func size(n int64) string {
	const gib, mib = 1 << 30, 1 << 20
	if n >= gib {
		return fmt.Sprintf("%.3g GiB", float64(n)/gib)
	}
	return fmt.Sprintf("%.3g MiB", float64(n)/mib)
}
