package analysis

import "testing"

func TestRanges(t *testing.T) {
	for want, numbers := range map[string][]int{
		"": nil, "4": {4}, "1, 2": {1, 2}, "1–3": {1, 2, 3}, "1, 3–5, 9": {1, 3, 4, 5, 9}, "2–4, 6, 7": {2, 3, 4, 6, 7},
	} {
		if got := ranges(numbers); got != want {
			t.Errorf("ranges(%v) = %q, want %q", numbers, got, want)
		}
	}
}
