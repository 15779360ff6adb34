package plot

import "fmt"

// Color returns the colour of the i-th variant as #RRGGBB, for what is shown
// beside a figure.
func Color(i int) string {
	c := hue(i)
	return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B)
}
