package html

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"

	"hapscope/analysis"
	"hapscope/record"
)

//go:embed script.js
var script string

// contentPolicy lets a browser run the page's own script and nothing else, and load
// nothing: should a hostile record's text ever become markup, it stays without effect.
func contentPolicy() string {
	hash := sha256.Sum256([]byte(script))
	return "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'; base-uri 'none'; form-action 'none'"
}

// rawFile is a file of the run directory.
type rawFile struct{ Name, Holds string }

// rawFiles lists those that a record has, and those that a run leaves beside it.
func rawFiles(r *analysis.Report) (out []rawFile) {
	out = append(out, rawFile{"run.json", "the plan, the place, the kernel, variants and tools"})
	if len(r.Cells) > 0 {
		out = append(out, rawFile{"results.jsonl", "each counted repetition: functions and their entries by phase and context, system calls, events of virtual machines"})
		for _, kernel := range r.Kernels {
			out = append(out, rawFile{record.TableFile(kernel), "the functions of kernel " + kernel})
		}
	}
	if len(r.Timed) > 0 {
		out = append(out, rawFile{"timings.jsonl", "each timed repetition"})
	}
	return append(out, rawFile{"results.csv", "every value of every repetition, as tidy data"})
}
