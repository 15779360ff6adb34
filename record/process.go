package record

// Process is the program that a sandbox runs: the server of a workload.
type Process struct {
	Args  []string          `json:"args"`
	Env   []string          `json:"env"`
	Cwd   string            `json:"cwd"`
	Files map[string]string `json:"files,omitempty"` // absolute path in the sandbox → content, added to the root file system
}
