package scenario

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Suggest is the tail of a message about an unknown name: the nearest valid
// one if it is near enough to be a slip, else all of them.
func Suggest(name string, valid []string) string {
	best, distance := "", len(name)/2+1
	for _, v := range valid {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), v); d < distance {
			best, distance = v, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf(", did you mean %q?", best)
	case len(valid) == 0:
		return ""
	}
	return ", known are " + strings.Join(valid, ", ")
}
