package markdown

import (
	"bytes"
	"fmt"
	"strings"

	"hapscope/analysis"
)

// listed is how many functions of a finding are named; the HTML report has them all.
const listed = 30

// check writes what the record was held to, and the verdicts: those that are no pass in
// full, the others folded.
func check(b *bytes.Buffer, c *analysis.Check) {
	if c == nil {
		return
	}
	fmt.Fprintf(b, "\n## Verdicts of the check\n\n**%s**\n", Escape(c.Headline()))
	for i, rule := range c.Rules() {
		if i == 0 {
			b.WriteString("\nThe rules:\n\n")
		}
		fmt.Fprintf(b, "- %s (%s): %s\n", Escape(rule.Name), Escape(rule.Where.String()), Escape(rule.Words()))
	}
	if len(c.Elsewhere) > 0 {
		fmt.Fprintf(b, "\nNot for this scenario: %s.\n", Escape(strings.Join(c.Elsewhere, ", ")))
	}
	findings(b, c.Bad())
	if held := c.Held(); len(held) > 0 {
		fmt.Fprintf(b, "\n<details><summary>%d of %d limits hold</summary>\n", len(held), len(c.Findings))
		findings(b, held)
		b.WriteString("\n</details>\n")
	}
}

func findings(b *bytes.Buffer, list []analysis.Finding) {
	for i, f := range list {
		if i == 0 {
			b.WriteString("\n| verdict | cell | what | value | limit | rule | why |\n|---|---|---|---:|---:|---|---|\n")
		}
		cell := "all"
		if f.Cell != nil {
			cell = f.Cell.String()
		}
		why := f.Text
		if len(f.Functions) > 0 {
			why += ": " + strings.Join(f.Named(listed), ", ")
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s, %s | %s |\n", verdict(f), Escape(cell), Escape(f.Number()), Escape(f.Measured()), Escape(f.Allowed()), Escape(f.Name()), f.Limit, Escape(why))
	}
}

// verdict says whether it fails the check, too.
func verdict(f analysis.Finding) string {
	switch {
	case f.Verdict == analysis.Pass:
		return string(f.Verdict)
	case f.Warn:
		return fmt.Sprintf("%s (%s)", f.Verdict, f.Level())
	}
	return fmt.Sprintf("**%s**", f.Verdict)
}
