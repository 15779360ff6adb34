package exercise

import "testing"

// FuzzParse reads orders: what is taken can be carried out, and reads back the same.
func FuzzParse(f *testing.F) {
	for _, e := range []Exercise{Standard(), Machine(), Network(), {}} {
		f.Add(e.String())
	}
	f.Add(`{"hypercalls":2147483648}`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(e.String()); err != nil || again != e {
			t.Errorf("%q: %+v, then %+v, %v", text, e, again, err)
		}
	})
}
