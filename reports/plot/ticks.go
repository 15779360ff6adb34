package plot

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// ticks puts four to eight round numbers on the axis; gonum's default ticker is
// content with three, too few to read a bar's height off.
type ticks struct{}

// Ticks implements plot.Ticker.
func (ticks) Ticks(low, high float64) (out []plot.Tick) {
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	for _, divisor := range []float64{1, 2, 4, 5} {
		if (high-low)/(step/divisor) >= 4 {
			step /= divisor
			break
		}
	}
	for v := math.Ceil(low/step) * step; v <= high; v += step {
		out = append(out, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', -1, 64)})
	}
	return out
}
