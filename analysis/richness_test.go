package analysis

import (
	"math"
	"slices"
	"testing"
)

// The spiders of Ellison et al. (2010) as analysed by Chao et al. (2014),
// Ecological Monographs 84, 45–67: Chao1 of the girdled plot 43.893 (s.e. 14.306,
// 95 % interval 30.511 to 96.971), of the logged one 61.403 (18.532; 43.502 to
// 128.583), in the documentation of the software iNEXT by the same authors.
func TestChao1(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		species, individuals int
		once, twice          int
		total, se, low, high float64
	}{
		{"girdled", 26, 168, 12, 4, 43.893, 14.306, 30.511, 96.971},
		{"logged", 37, 252, 14, 4, 61.403, 18.532, 43.502, 128.583},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// How the other individuals are spread over the other species does not
			// matter to the estimate.
			entries := slices.Concat(slices.Repeat([]uint64{1}, tt.once), slices.Repeat([]uint64{2}, tt.twice))
			left, rest := tt.species-tt.once-tt.twice, tt.individuals-tt.once-2*tt.twice
			for ; left > 1; left-- {
				entries = append(entries, 3)
				rest -= 3
			}
			r := Chao1(append(entries, uint64(rest)))
			for what, v := range map[string][2]float64{"total": {r.Total, tt.total}, "s.e.": {r.SE, tt.se}, "low": {r.Low, tt.low}, "high": {r.High, tt.high}} {
				if math.Abs(v[0]-v[1]) > 0.002 {
					t.Errorf("%s = %.3f, want %.3f", what, v[0], v[1])
				}
			}
		})
	}
}

func TestChao1Edges(t *testing.T) {
	for _, tt := range []struct {
		entries []uint64
		total   float64
	}{
		{nil, 0},
		{[]uint64{0, 0}, 0},
		{[]uint64{1}, 1},
		{[]uint64{5, 7}, 2},                // none entered once: nothing suggests more
		{[]uint64{1, 1, 1, 5}, 4 + 7./8*3}, // none entered twice
	} {
		r := Chao1(tt.entries)
		if math.Abs(r.Total-tt.total) > 1e-9 || r.Low < float64(r.Observed) || r.High < r.Total-1e-9 && r.SE > 0 || math.IsNaN(r.Unseen()) {
			t.Errorf("%v: %+v, want %v", tt.entries, r, tt.total)
		}
	}
}
