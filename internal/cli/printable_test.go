package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"a\tb\né ✓ 漢\n": "a\tb\né ✓ 漢\n", "\x1b[2J": `\x1b[2J`, "\r": `\x0d`, "\u009b": `\x9b`, "a\u202eb": `a\u202eb`, "\x00\x7f": `\x00\x7f`,
	} {
		if got := plainText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// What a sandbox said last does not reach a terminal as more than text.
func TestRecordsDoNotMoveTheCursor(t *testing.T) {
	rec := small(false)
	rec.Results[0].Status, rec.Results[0].Reason = record.Failed, "it said \x1b]0;owned\x07 and \x1b[1A"
	rec.Results[0].Remedy, rec.Results[0].Phases, rec.Results[0].Postures = "\x1b[2Jnone", nil, nil
	dir := filepath.Join(t.TempDir(), "run")
	testrecord.WriteRecord(t, dir, rec)
	for _, args := range [][]string{{"report", dir}, {"report", dir, "-o", "markdown"}, {"explain", "--cell", "runc/redis-set", dir}, {"compare", dir, dir}} {
		if _, out := call(args...); strings.ContainsAny(out, "\x1b\x07") {
			t.Errorf("%v: %q", args, out)
		}
	}
}
