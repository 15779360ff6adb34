package analysis

import (
	"fmt"
	"slices"
	"strings"
)

// Bad lists the findings that are no pass: first those that fail the check, then those
// that are only warned of.
func (c *Check) Bad() (out []Finding) {
	for _, warn := range []bool{false, true} {
		for _, f := range c.Findings {
			if f.Verdict != Pass && f.Warn == warn {
				out = append(out, f)
			}
		}
	}
	return out
}

// Held lists the findings that are a pass.
func (c *Check) Held() (out []Finding) {
	for _, f := range c.Findings {
		if f.Verdict == Pass {
			out = append(out, f)
		}
	}
	return out
}

// Rules lists the rules that were held to the record, each once.
func (c *Check) Rules() (out []*Budget) {
	for _, f := range c.Findings {
		if f.Rule != nil && !slices.Contains(out, f.Rule) {
			out = append(out, f.Rule)
		}
	}
	return out
}

// Words says what a rule asks for, and of what.
func (b *Budget) Words() string {
	var limits []string
	if b.Max != nil {
		of := "medians"
		if len(b.Metrics) == 0 {
			of += " of " + string(UniqueFunctions)
		}
		limits = append(limits, fmt.Sprintf("%s at most %g", of, *b.Max))
	}
	if b.MaxNew != nil {
		limits = append(limits, fmt.Sprintf("at most %s that the baseline does not have", count(*b.MaxNew, "function")))
	}
	if b.MaxSlowdown != nil {
		limits = append(limits, fmt.Sprintf("at most %g times as bad as the baseline", *b.MaxSlowdown))
	}
	words := strings.Join(limits, ", ")
	for _, chosen := range [][]string{b.Variants, b.Workloads, plain(b.Phases), plain(b.Contexts), plain(b.Metrics)} {
		if len(chosen) > 0 {
			words += "; " + strings.Join(chosen, ", ")
		}
	}
	if b.Warn {
		words += "; only warned of"
	}
	return words
}

func plain[T ~string](list []T) (out []string) {
	for _, one := range list {
		out = append(out, string(one))
	}
	return out
}

// Measured is the number that was looked at, with its unit; empty where there is none.
func (f Finding) Measured() string {
	if f.Value == nil {
		return ""
	}
	return f.say(*f.Value)
}

// Allowed is what the number may be at most, with its unit; empty where the finding is not
// about a number.
func (f Finding) Allowed() string {
	switch f.Limit {
	case LimitMax, LimitNew, LimitSlowdown:
		return f.say(f.Most)
	}
	return ""
}

func (f Finding) say(v float64) string {
	switch m := f.Key.Metric; {
	case f.Limit == LimitNew:
		return count(int(v), "function")
	case f.Limit == LimitSlowdown:
		return fmt.Sprintf("%.4g times", v)
	case f.Key.Phase == TimedPhase && m != "":
		return m.Say(v)
	case m != "":
		return fmt.Sprintf("%g %s", v, m.Unit())
	}
	return fmt.Sprintf("%g", v)
}

// Number names what was looked at without the cell: phase, context and metric, as far as
// the finding is about one.
func (f Finding) Number() string {
	var parts []string
	for _, s := range []string{string(f.Key.Phase), string(f.Key.Context), string(f.Key.Metric)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// Subject names the number that was looked at, with its cell.
func (f Finding) Subject() string {
	var parts []string
	if f.Cell != nil {
		parts = append(parts, f.Cell.String())
	}
	if s := f.Number(); s != "" {
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// Named lists the functions that made the number too large, up to so many of them, and
// then how many more there are.
func (f Finding) Named(most int) (names []string) {
	for _, s := range f.Functions[:min(len(f.Functions), most)] {
		names = append(names, s.Name)
	}
	if more := len(f.Functions) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return names
}
