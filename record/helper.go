package record

// Helper is a process that an engine has beside a sandbox's own: its shim, say.
type Helper struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`           // last part of its first argument
	Program string `json:"program,omitempty"` // path of what it runs; absent where it has ended since
	Role    Role   `json:"role"`
	Cgroup  string `json:"cgroup"` // in which the engine had it
	Moved   bool   `json:"moved"`  // from there into the sandbox's, so that it can be followed
}
