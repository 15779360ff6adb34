package image

import "hapscope/record"

// Requirements reports what building the images needs of this machine. Running
// a lab that is built needs none of it.
func Requirements() (reqs []record.Requirement) {
	for _, tool := range []struct{ name, remedy string }{
		{"mmdebstrap", mmdebstrapRemedy},
		{"go", goRemedy},
	} {
		r := record.Requirement{Name: tool.name + ", to build the lab", Detail: "not in PATH", Remedy: tool.remedy}
		if path, err := need(tool.name, tool.remedy); err == nil {
			r.Met, r.Detail, r.Remedy = true, path, ""
		}
		reqs = append(reqs, r)
	}
	return reqs
}
