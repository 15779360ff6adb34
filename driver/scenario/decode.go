package scenario

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// decoder walks YAML nodes and collects every error with its place.
type decoder struct {
	file string
	errs []error
}

func (d *decoder) errorf(n *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s:%d:%d: %s", d.file, n.Line, n.Column, fmt.Sprintf(format, args...)))
}

// field reads one key's value.
type field func(*yaml.Node)

// mapping reads a mapping whose keys are exactly those of fields.
func (d *decoder) mapping(n *yaml.Node, what string, fields map[string]field) {
	known := make([]string, 0, len(fields))
	for k := range fields {
		known = append(known, k)
	}
	slices.Sort(known)
	d.entries(n, what, func(key, value *yaml.Node) {
		read, ok := fields[key.Value]
		if !ok {
			d.errorf(key, "unknown key %q in %s%s", key.Value, what, Suggest(key.Value, known))
			return
		}
		read(value)
	})
}

// entries calls visit for each key and value of a mapping.
func (d *decoder) entries(n *yaml.Node, what string, visit func(key, value *yaml.Node)) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "%s must be a mapping, not %s", what, kind(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.errorf(key, "a key of %s must be a plain word, not %s", what, kind(key))
			continue
		}
		if line, twice := seen[key.Value]; twice {
			d.errorf(key, "key %q in %s stands in line %d already", key.Value, what, line)
			continue
		}
		seen[key.Value] = key.Line
		visit(key, value)
	}
}

func (d *decoder) text(into *string, what string) field {
	return func(n *yaml.Node) {
		if n = resolve(n); n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
			d.errorf(n, "%s must be text, not %s", what, kind(n))
			return
		}
		*into = n.Value
	}
}

// oneOf reads a text that must be one of the valid ones.
func (d *decoder) oneOf(into *string, what string, valid ...string) field {
	return func(n *yaml.Node) {
		var s string
		before := len(d.errs)
		d.text(&s, what)(n)
		switch {
		case len(d.errs) > before:
		case !slices.Contains(valid, s):
			d.errorf(n, "unknown %s %q%s", what, s, Suggest(s, valid))
		default:
			*into = s
		}
	}
}

// names reads a list of names out of the valid ones; "all" stands for each of them.
// Names that begin with one of the prefixes are valid, too, and not among "all".
func (d *decoder) names(into *[]string, what string, valid []string, prefixes ...string) field {
	return func(n *yaml.Node) {
		if n = resolve(n); n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
			d.errorf(n, "%ss must be a list with at least one name, not %s", what, kind(n))
			return
		}
		var list []string
		for _, item := range n.Content {
			item = resolve(item)
			switch {
			case item.Kind != yaml.ScalarNode:
				d.errorf(item, "%s must be a name, not %s", what, kind(item))
			case item.Value == "all":
				if len(n.Content) > 1 {
					d.errorf(item, "\"all\" must stand alone in a list of %ss", what)
				}
				list = append(list, valid...)
			case !slices.Contains(valid, item.Value) && !hasPrefix(item.Value, prefixes):
				d.errorf(item, "unknown %s %q%s", what, item.Value, Suggest(item.Value, valid))
			case slices.Contains(list, item.Value):
				d.errorf(item, "%s %q stands twice in the list", what, item.Value)
			default:
				list = append(list, item.Value)
			}
		}
		*into = list
	}
}

// enginePrefixes begin the names of variants that container engines have.
func enginePrefixes(known Catalog) (prefixes []string) {
	for _, e := range known.Engines {
		prefixes = append(prefixes, e+"-")
	}
	return prefixes
}

func hasPrefix(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) && len(name) > len(p) })
}

// images reads references of images by workload.
func (d *decoder) images(n *yaml.Node, known Catalog) map[string]string {
	images := map[string]string{}
	d.entries(n, "images", func(key, value *yaml.Node) {
		if !slices.Contains(known.Workloads, key.Value) {
			d.errorf(key, "unknown workload %q%s", key.Value, Suggest(key.Value, known.Workloads))
			return
		}
		var reference string
		d.text(&reference, "an image")(value)
		switch {
		case strings.HasPrefix(reference, "-"): // which an engine would take for an option
			d.errorf(value, "%q is no reference of an image", reference)
		case reference != "":
			images[key.Value] = reference
		}
	})
	return images
}

// witnesses reads a list of which the first must observe everything.
func (d *decoder) witnesses(into *[]string, known Catalog) field {
	return func(n *yaml.Node) {
		d.names(into, "witness", known.Witnesses)(n)
		if list := *into; len(list) > 0 && slices.Contains(known.Samplers, list[0]) {
			d.errorf(n, "%s observes a sample of the functions and cannot give the result: name another witness before it", list[0])
		}
	}
}

// integer reads a whole number in [low, high].
func (d *decoder) integer(into *int, what string, low, high int) field {
	return func(n *yaml.Node) {
		var v float64
		before := len(d.errs)
		d.number(&v, what, float64(low), float64(high))(n)
		switch {
		case len(d.errs) > before:
		case v != float64(int(v)):
			d.errorf(n, "%s must be a whole number, not %s", what, n.Value)
		default:
			*into = int(v)
		}
	}
}

// number reads a number in [low, high].
func (d *decoder) number(into *float64, what string, low, high float64) field {
	return func(n *yaml.Node) {
		n = resolve(n)
		if n.Kind != yaml.ScalarNode || n.Tag != "!!int" && n.Tag != "!!float" {
			d.errorf(n, "%s must be a number, not %s", what, kind(n))
			return
		}
		v, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || !(v >= low && v <= high) {
			d.errorf(n, "%s must be a number from %v to %v, not %s", what, low, high, n.Value)
			return
		}
		*into = v
	}
}

// duration reads a positive duration such as 500ms, 1s or 5m.
func (d *decoder) duration(into *time.Duration, what string) field {
	return func(n *yaml.Node) {
		n = resolve(n)
		v, err := time.ParseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil || v < 0 {
			d.errorf(n, "%s must be a duration such as 500ms, 1s or 5m, not %s", what, kind(n))
			return
		}
		*into = v
	}
}

// time reads a duration that is not 0.
func (d *decoder) time(into *time.Duration, what string) field {
	return func(n *yaml.Node) {
		before := len(d.errs)
		if d.duration(into, what)(n); len(d.errs) == before && *into == 0 {
			d.errorf(n, "%s must be a duration above 0, not %s", what, kind(resolve(n)))
		}
	}
}

// size reads an amount of memory such as 512MiB or 4GiB.
func (d *decoder) size(into *int64, what string) field {
	return func(n *yaml.Node) {
		n = resolve(n)
		v, err := ParseSize(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil {
			d.errorf(n, "%s must be a size such as 512MiB or 4GiB, not %s", what, kind(n))
			return
		}
		*into = v
	}
}

// ParseSize reads an amount of memory, in bytes.
func ParseSize(s string) (int64, error) {
	for _, u := range []struct {
		suffix string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}} {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if v, err := strconv.ParseInt(digits, 10, 32); ok && err == nil && v > 0 {
			return v * u.factor, nil
		}
	}
	return 0, fmt.Errorf("%q is no size such as 512MiB or 4GiB", s)
}

// socket reads the path of a socket.
func (d *decoder) socket(into *string, what string) field {
	return func(n *yaml.Node) {
		n = resolve(n)
		path, err := ParseSocket(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil {
			d.errorf(n, "%s must be the absolute path of a socket, not %s", what, kind(n))
			return
		}
		*into = path
	}
}

// ParseSocket reads the path of a socket, with or without unix:// before it.
func ParseSocket(s string) (string, error) {
	path := strings.TrimPrefix(s, "unix://")
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%q is no absolute path of a socket, such as /run/containerd/containerd.sock", s)
	}
	return path, nil
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// kind names what a node is, for a message.
func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return strconv.Quote(n.Value)
}
