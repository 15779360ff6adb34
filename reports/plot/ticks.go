package plot

import (
	"math"
	"strconv"
	"strings"

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
	for i := math.Ceil(low / step); i*step <= high; i++ {
		label := strconv.FormatFloat(i*step, 'f', max(0, -int(math.Floor(math.Log10(step)+1e-9))+1), 64)
		if strings.Contains(label, ".") {
			label = strings.TrimRight(strings.TrimRight(label, "0"), ".")
		}
		out = append(out, plot.Tick{Value: i * step, Label: label})
	}
	return out
}
