// Package bench measures what counting costs: hapscope's witnesses and the
// tracers of other projects, side by side in one machine, on one server. It is a
// test binary that runs in the lab, for `make bench`; docs/performance.md is made
// by it.
package bench
