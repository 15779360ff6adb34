package wire

// Hello is the first line that the agent sends.
type Hello struct {
	Release string  `json:"release"` // uname -r
	Uptime  float64 `json:"uptime"`  // seconds since the kernel started
}

// Kind says what a stream carries.
type Kind string

// The streams of a command.
const (
	Control Kind = "control"
	Stdin   Kind = "stdin"
	Stdout  Kind = "stdout"
	Stderr  Kind = "stderr"
)

// Header is the first line of every stream, host to guest. Request is set for
// the control stream only, which is opened after the other three.
type Header struct {
	Command uint64   `json:"command"`
	Kind    Kind     `json:"kind"`
	Request *Request `json:"request,omitempty"`
}

// Request is a command to run.
type Request struct {
	Args []string `json:"args"`
	Env  []string `json:"env,omitempty"` // added to the agent's own
	Dir  string   `json:"dir,omitempty"` // "" is /
	TTY  bool     `json:"tty,omitempty"`
	Size Size     `json:"size"`
}

// Size is that of a terminal.
type Size struct {
	Rows uint16 `json:"rows"`
	Cols uint16 `json:"cols"`
}

// Order is a line that the host sends on the control stream after the header.
type Order struct {
	Signal int   `json:"signal,omitempty"` // to the command's process group
	Resize *Size `json:"resize,omitempty"`
}

// Exit is the last line of the control stream, guest to host.
type Exit struct {
	Code  int    `json:"code"`            // as a shell says it: 128+n for a signal
	Error string `json:"error,omitempty"` // why the command could not be started
}
