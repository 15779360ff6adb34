package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"hapscope/collectors"
	"hapscope/internal/command"
)

// Through returns a Read that has another process do it: a program, with the cgroup as its
// last argument, which has to call Serve. A process that both waits for a child and
// traces it is told of the child's stops where it waits for its end, whatever it has
// asked for (wait_task_stopped, kernel/exit.c): a sandbox that hapscope itself has started
// would seem to have ended.
func Through(program ...string) func(ctx context.Context, cgroup string) ([]collectors.Held, error) {
	return func(ctx context.Context, cgroup string) (held []collectors.Held, err error) {
		c := exec.CommandContext(ctx, program[0], append(program[1:len(program):len(program)], cgroup)...)
		var said bytes.Buffer
		c.Stderr = &said
		defer command.Log(ctx, c)()
		out, err := c.Output()
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
		}
		if err := json.Unmarshal(out, &held); err != nil {
			return nil, fmt.Errorf("read what %s wrote: %w", strings.Join(c.Args, " "), err)
		}
		return held, nil
	}
}

// Serve reads the policy of a cgroup and writes it for Through.
func Serve(ctx context.Context, w io.Writer, cgroup string) error {
	held, err := Read(ctx, cgroup)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(held)
}
