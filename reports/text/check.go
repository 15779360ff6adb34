package text

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"hapscope/analysis"
)

// Check writes what a check found: first what fails it, then what is only warned of, then
// how many limits hold.
func Check(w io.Writer, c *analysis.Check, o Options) error {
	if o.Width == 0 {
		o.Width = 100
	}
	var b bytes.Buffer
	check(&b, c, o.Width)
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write check: %w", err)
	}
	return nil
}

func check(b *bytes.Buffer, c *analysis.Check, width int) {
	prose(b, width, "", c.Headline())
	for _, f := range c.Bad() {
		b.WriteByte('\n')
		prose(b, width, "  ", strings.TrimSpace(fmt.Sprintf("%s: %s: %s (%s): %s", f.Level(), f.Verdict, f.Name(), f.Limit, f.Sentence())))
		enumerate(b, width, "    + ", "", f.Functions)
		if f.Rule != nil {
			fmt.Fprintf(b, "    %s\n", f.Where)
		}
	}
	if n := len(c.Held()); n > 0 {
		fmt.Fprintf(b, "\n%d of %d limits hold.\n", n, len(c.Findings))
	}
	if len(c.Elsewhere) > 0 {
		prose(b, width, "", "Not for this scenario: "+strings.Join(c.Elsewhere, ", ")+".")
	}
}
