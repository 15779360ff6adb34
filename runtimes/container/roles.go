package container

import (
	"sync"

	"hapscope/record"
	"hapscope/runtimes"
	"hapscope/runtimes/oci"
)

// Roles are those of the threads of one runtime's sandboxes. Which process is the shim was
// found by parentage; what a runtime calls its own processes is known where its program is
// one that is known.
type Roles struct {
	// More are roles by the last part of a process's first argument, where the engine or a
	// shim has others than the runtime.
	More map[string]record.Role

	mu            sync.Mutex
	program, shim string
}

// SetProgram says what program the runtime is.
func (r *Roles) SetProgram(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.program = path
}

// SetShim says what the shim is called.
func (r *Roles) SetShim(command string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shim = command
}

// Of returns the role of a thread.
func (r *Roles) Of(t record.Thread) record.Role {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shim != "" && t.Command == r.shim {
		return record.RoleShim
	}
	if role, ok := r.More[t.Command]; ok {
		return role
	}
	roles, program := oci.RolesOf(r.program)
	return runtimes.RoleOf(t, roles, program)
}
