package plot

import (
	"image/color"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The neutral colours. Package html exchanges the first four for those of its
// theme, so nothing else may use them.
var (
	ink     = color.NRGBA{0x00, 0x00, 0x00, 0xff}
	paper   = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	muted   = color.NRGBA{0x59, 0x59, 0x59, 0xff}
	rule    = color.NRGBA{0xdc, 0xdc, 0xdc, 0xff}
	onDark  = color.NRGBA{0xfe, 0xfe, 0xfe, 0xff}
	onLight = color.NRGBA{0x11, 0x11, 0x11, 0xff}
	grey    = color.NRGBA{0x77, 0x77, 0x77, 0xff} // stands for all hues
)

// hue returns the colour of the i-th series, after Okabe and Ito, "Color
// Universal Design" (2008): told apart with every kind of colour vision. Their
// black is left out, for it is the whiskers'; from the eighth series on, the
// colours come again, darkened.
func hue(i int) color.NRGBA {
	hues := [...]color.NRGBA{
		{0x00, 0x72, 0xb2, 0xff}, // blue
		{0xe6, 0x9f, 0x00, 0xff}, // orange
		{0x00, 0x9e, 0x73, 0xff}, // bluish green
		{0xcc, 0x79, 0xa7, 0xff}, // reddish purple
		{0x56, 0xb4, 0xe9, 0xff}, // sky blue
		{0xd5, 0x5e, 0x00, 0xff}, // vermilion
		{0xf0, 0xe4, 0x42, 0xff}, // yellow
	}
	c := hues[i%len(hues)]
	for range i / len(hues) {
		c.R, c.G, c.B = c.R/5*3, c.G/5*3, c.B/5*3
	}
	return c
}

// tint is a colour let through at a fifth, so that what it lies on stays
// visible: paper in print, the page's background on a screen.
func tint(c color.NRGBA) color.NRGBA {
	c.A = 0x38
	return c
}

// readableOn returns the text colour for a background, by its luminance
// (ITU-R BT.709 weights).
func readableOn(c color.NRGBA) color.NRGBA {
	if 0.2126*float64(c.R)+0.7152*float64(c.G)+0.0722*float64(c.B) > 125 {
		return onLight
	}
	return onDark
}

// words returns a text style in the figure's font.
func words(size vg.Length, c color.Color) draw.TextStyle {
	return draw.TextStyle{
		Color:   c,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: text.Plain{Fonts: font.DefaultCache},
		YAlign:  draw.YBottom,
	}
}
