package scenario

import (
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"hapscope/record"
)

// unikernels reads which files a variant boots for a workload.
func (d *decoder) unikernels(n *yaml.Node, known Catalog) map[string]map[string]record.Unikernel {
	all := map[string]map[string]record.Unikernel{}
	d.entries(n, "unikernels", func(variant, workloads *yaml.Node) {
		if !slices.Contains(known.Booters, variant.Value) {
			d.errorf(variant, "%q is no variant that boots unikernels%s", variant.Value, Suggest(variant.Value, known.Booters))
			return
		}
		all[variant.Value] = map[string]record.Unikernel{}
		d.entries(workloads, "unikernels of "+variant.Value, func(workload, value *yaml.Node) {
			if !slices.Contains(known.Workloads, workload.Value) {
				d.errorf(workload, "unknown workload %q%s", workload.Value, Suggest(workload.Value, known.Workloads))
				return
			}
			all[variant.Value][workload.Value] = d.unikernel(value)
		})
	})
	return all
}

func (d *decoder) unikernel(n *yaml.Node) (u record.Unikernel) {
	before := len(d.errs)
	d.mapping(n, "a unikernel", map[string]field{
		"unikernel": d.absolute(&u.Image, "unikernel"),
		"disk":      d.absolute(&u.Disk, "disk"),
		"args":      d.texts(&u.Args, "args"),
	})
	if len(d.errs) == before && u.Image == "" {
		d.errorf(n, "a unikernel names no file: the key unikernel is missing")
	}
	return u
}

// absolute reads a path that means the same wherever hapscope is started.
func (d *decoder) absolute(into *string, what string) field {
	return func(n *yaml.Node) {
		before := len(d.errs)
		d.text(into, what)(n)
		if len(d.errs) == before && !filepath.IsAbs(*into) {
			d.errorf(n, "%s must be an absolute path, not %s", what, kind(resolve(n)))
		}
	}
}

// texts reads a list of texts.
func (d *decoder) texts(into *[]string, what string) field {
	return func(n *yaml.Node) {
		if n = resolve(n); n.Kind != yaml.SequenceNode {
			d.errorf(n, "%s must be a list, not %s", what, kind(n))
			return
		}
		for _, item := range n.Content {
			var s string
			d.text(&s, "an item of "+what)(item)
			*into = append(*into, s)
		}
	}
}
