package image

import (
	"os/exec"

	"hapscope/record"
)

// Requirements reports what building the images needs of this machine. Running
// a lab that is built needs none of it.
func Requirements() (reqs []record.Requirement) {
	for _, tool := range []struct{ name, remedy string }{
		{"mmdebstrap", "apt-get install mmdebstrap"},
		{"go", "install Go, which builds runsc"},
	} {
		r := record.Requirement{Name: tool.name + ", to build the lab", Detail: "not in PATH", Remedy: tool.remedy}
		if path, err := exec.LookPath(tool.name); err == nil {
			r.Met, r.Detail, r.Remedy = true, path, ""
		}
		reqs = append(reqs, r)
	}
	return reqs
}
