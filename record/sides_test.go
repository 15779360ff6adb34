package record_test

import (
	"strings"
	"testing"

	"hapscope/internal/testrecord"
	"hapscope/record"
)

func TestSidesAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*record.Sides)
		want   string
	}{
		"none installed":     {func(s *record.Sides) { s.Installed = 0 }, "hold 0 threads"},
		"not ascending":      {func(s *record.Sides) { s.Confined[1] = s.Confined[0] }, "must ascend"},
		"on neither":         {func(s *record.Sides) { s.Unconfined = s.Unconfined[1:] }, "on neither"},
		"not entered at all": {func(s *record.Sides) { s.Confined = append(s.Confined, 1_000_000) }, "were entered in process context"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := testrecord.New()
			for i := range rec.Results {
				p := rec.Results[i].Phase(record.Create)
				if p == nil || p.Sides == nil {
					continue
				}
				test.change(p.Sides)
				w, err := record.NewWriter(t.TempDir(), rec.Run)
				if err != nil {
					t.Fatal(err)
				}
				defer w.Close()
				for kernel, functions := range rec.Tables {
					if _, err := w.Functions(kernel, functions); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Append(rec.Results[i]); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want something with %q", err, test.want)
				}
				return
			}
			t.Fatal("the record has no sides")
		})
	}
}
